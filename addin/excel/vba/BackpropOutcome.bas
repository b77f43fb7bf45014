Attribute VB_Name = "BackpropOutcome"
Option Explicit
' The sheets of what a finished run left, copied in from its results workbook: one set of ours. They say that the next
' run's take their place, by which they are known; nothing else is touched.

' Copy the sheets in from this workbook, which lies in its run's folder, in place of another run's.
Public Sub CopyOutcome(ByVal path As String)
    Dim into As Workbook, before As Workbook, shown As String, trouble As String
    Set into = Book()
    If Shows(into, path) Then Exit Sub
    Set before = ActiveWorkbook
    shown = into.ActiveSheet.Name
    BeQuiet True
    trouble = CopyFrom(path, into)
    On Error Resume Next ' the sheet that was in front may have been one of those
    into.Activate
    into.Worksheets(shown).Activate
    before.Activate
    BeQuiet False
    If trouble <> "" Then Tell Replace(Replace(SAYS_NOT_COPIED, "{error}", trouble), "{file}", path)
End Sub

' Why they could not be copied, or nothing.
Private Function CopyFrom(ByVal path As String, ByVal into As Workbook) As String
    Dim source As Workbook, sheet As Worksheet
    On Error GoTo failed
    Set source = Workbooks.Open(path, ReadOnly:=True)
    If Not HasOutcome(source) Then Err.Raise 5, , SAYS_NO_OUTCOME
    RemoveOutcome into
    For Each sheet In source.Worksheets
        If IsOutcome(sheet) Then sheet.Copy After:=into.Sheets(into.Sheets.Count)
    Next sheet
    source.Close False
    Exit Function
failed:
    CopyFrom = Err.Description
    If Not source Is Nothing Then source.Close False
End Function

' While it is quiet nothing is drawn, asked, or told to the macros of events.
Private Sub BeQuiet(ByVal quiet As Boolean)
    Application.ScreenUpdating = Not quiet
    Application.DisplayAlerts = Not quiet
    Application.EnableEvents = Not quiet
End Sub

Private Function IsOutcome(ByVal sheet As Worksheet) As Boolean
    IsOutcome = TextOf(sheet.Cells(OUTCOME_ROW, 1)) = OUTCOME
End Function

Private Function HasOutcome(ByVal which As Workbook) As Boolean
    Dim sheet As Worksheet
    For Each sheet In which.Worksheets
        HasOutcome = HasOutcome Or IsOutcome(sheet)
    Next sheet
End Function

' Whether the sheets that are there are this run's: their titles end with its name.
Private Function Shows(ByVal which As Workbook, ByVal path As String) As Boolean
    Dim sheet As Worksheet, parts As Variant, ending As String
    parts = Split(path, Application.PathSeparator)
    ending = " of " & parts(UBound(parts) - 1)
    For Each sheet In which.Worksheets
        If IsOutcome(sheet) Then
            Shows = Right$(TextOf(sheet.Cells(1, 1)), Len(ending)) = ending
            If Not Shows Then Exit Function
        End If
    Next sheet
End Function

Private Sub RemoveOutcome(ByVal which As Workbook)
    Dim number As Long
    For number = which.Worksheets.Count To 1 Step -1
        If IsOutcome(which.Worksheets(number)) Then which.Worksheets(number).Delete
    Next number
End Sub
