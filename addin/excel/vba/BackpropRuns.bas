Attribute VB_Name = "BackpropRuns"
Option Explicit
' The buttons of Runs. Python, asked in a process of its own, answers with rows, each for a place under a named cell.

Public Sub Button_ListRuns()
    AskForRuns "runs_list"
End Sub

Public Sub Button_Compare()
    AskForRuns "runs_compare"
End Sub

Private Sub AskForRuns(ByVal command As String)
    If CanWrite(RUNS_TABLE) Then Ask command, "ticked=" & TickedRuns() & vbLf
End Sub

' The names of the runs with anything in the column before them, with tabs between.
Private Function TickedRuns() As String
    Dim cells As Variant, row As Long
    cells = Named(RUNS_TABLE).Offset(1, 0).Resize(MOST_RUNS, 2).Value
    For row = 1 To MOST_RUNS
        If Trim$(CStr(cells(row, 1))) <> "" And CStr(cells(row, 2)) <> "" Then
            TickedRuns = TickedRuns & cells(row, 2) & vbTab
        End If
    Next row
End Function

' Whether an answer has rows, which are written. clear: empty what stands under this name. row: write the cells that
' follow so many rows under it, numbers behind a #.
Public Function TakeRows(ByVal answer As String) As Boolean
    Dim entry As Variant, parts As Variant, last As Long
    Application.ScreenUpdating = False
    For Each entry In Split(answer, vbLf)
        parts = Split(Mid$(entry, InStr(entry, "=") + 1), vbTab)
        If Left$(entry, 6) = "clear=" Then
            TakeRows = True
            EmptyBelow Named(parts(0))
        ElseIf Left$(entry, 4) = "row=" Then
            WriteRow Named(parts(0)).Cells(1, 1).Offset(CLng(parts(1)), 0), parts
            If parts(0) = RUNS_TABLE Then last = CLng(parts(1))
        End If
    Next entry
    If last > 0 Then PrintRows Named(RUNS_TABLE), last
    Application.ScreenUpdating = True
End Function

Private Sub WriteRow(ByVal first As Range, ByVal parts As Variant)
    Dim number As Long
    For number = 2 To UBound(parts)
        If Left$(parts(number), 1) = "#" Then
            first.Offset(0, number - 2).Value = Val(Mid$(parts(number), 2))
        ElseIf parts(number) <> "" Then
            PutText first.Offset(0, number - 2), parts(number)
        End If
    Next number
End Sub
