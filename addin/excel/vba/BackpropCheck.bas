Attribute VB_Name = "BackpropCheck"
Option Explicit
' Check this workbook: Python reads a copy of the workbook in front, in a process of its own, and answers with the cells
' to mark, notes on them, and the rows of a report (addin/marks.py). BackpropFollow's ticks look for the answer.

Private Const PATIENCE As Long = 90 ' seconds that Python may take to answer
Private Const SHOWN As Long = 30 ' seconds for which the status bar says how it ended
Private Const A_DAY As Double = 86400
Private Const UNDERLINED As Long = 2 ' xlUnderlineStyleSingle
Private Const LINE_BREAK As Long = 11 ' stands for one within a text of the answer

Private mBook As String ' the name of the one that is being checked: LibreOffice keeps no object from tick to tick
Private mAnswer As String ' the file that Python answers with; empty where no check is under way
Private mAsked As Double
Private mPlace As String ' where its user was then
Private mTold As Double ' when the status bar said how it ended; 0 where it says nothing
Private mSheets As Variant, mBefore As Variant ' its sheets, and what each of them held then
Private mSheet As String, mRows As Variant ' one of them
Private mChanged As Long ' cells to mark that hold something else now

Public Sub CheckThisWorkbook()
    Dim copy As String
    If IsChecking() Then
        Tell SAYS_CHECKING
        Exit Sub
    ElseIf Book Is Nothing Then
        Tell SAYS_NO_WORKBOOK
        Exit Sub
    End If
    On Error GoTo failed
    mBook = Book().Name
    RememberContents
    mAnswer = FreshAnswer()
    copy = Replace(mAnswer, ".txt", ".copy")
    SaveCopy copy
    Request "check", mAnswer, "copy=" & copy & vbLf & "name=" & mBook & vbLf
    mAsked = CDbl(Now)
    mPlace = Place()
    mTold = 0
    Application.StatusBar = SAYS_CHECK_UNDER_WAY
    KeepTicking
    Exit Sub
failed:
    EndCheck
    Tell Replace(SAYS_CHECK_FAILED, "{reason}", Err.Description)
End Sub

' Take away what checks have put into the workbook in front.
Public Sub ClearMarks()
    If Book Is Nothing Then
        Tell SAYS_NO_WORKBOOK
    Else
        RemoveAll Book()
        If IsKept(Book()) Then Tell SAYS_KEPT
    End If
End Sub

Private Function IsChecking() As Boolean
    IsChecking = mAnswer <> ""
End Function

' Whether LookForCheck has something to do.
Public Function WaitsForCheck() As Boolean
    WaitsForCheck = IsChecking() Or mTold > 0
End Function

' Where the user is: the workbook, the sheet and the cell in front.
Private Function Place() As String
    On Error Resume Next ' a chart has no cells
    Place = ActiveWorkbook.Name & vbTab & ActiveSheet.Name
    Place = Place & vbTab & ActiveCell.Address
End Function

' Show the answer once it is there. A workbook that was closed meanwhile is let go.
Public Sub LookForCheck()
    Dim answer As String
    If mTold > 0 And CDbl(Now) - mTold > SHOWN / A_DAY Then
        mTold = 0
        Application.StatusBar = False
    End If
    If Not IsChecking() Then Exit Sub
    If Dir$(mAnswer) = "" Then
        If CDbl(Now) - mAsked <= PATIENCE / A_DAY Then Exit Sub
        EndCheck
        Tell Replace(SAYS_CHECK_FAILED, "{reason}", SAYS_NO_ANSWER)
        Exit Sub
    End If
    On Error GoTo failed
    answer = Decoded(FileText(mAnswer, 0))
    Kill mAnswer
    EndCheck
    If Not Checked() Is Nothing Then TakeCheck answer
    Exit Sub
failed:
    EndCheck
    Tell Replace(SAYS_CHECK_FAILED, "{reason}", Err.Description)
End Sub

Private Sub EndCheck()
    mAnswer = ""
    Application.StatusBar = False
    Application.ScreenUpdating = True
    Application.DisplayAlerts = True
    Application.EnableEvents = True
End Sub

Private Function Checked() As Workbook
    On Error Resume Next
    Set Checked = Workbooks(mBook)
End Function

' Without the workbook's own macros, which might do something whenever it is saved.
Private Sub SaveCopy(ByVal path As String)
    Application.EnableEvents = False
    Checked().SaveCopyAs path
    Application.EnableEvents = True
End Sub

' What every sheet holds, as it is typed, from A1 on: to tell afterwards what has changed.
Private Sub RememberContents()
    Dim number As Long, sheets() As Variant, contents() As Variant
    ReDim sheets(1 To Checked().Worksheets.Count)
    ReDim contents(1 To Checked().Worksheets.Count)
    For number = 1 To Checked().Worksheets.Count
        sheets(number) = Checked().Worksheets(number).Name
        contents(number) = ContentsOf(Checked().Worksheets(number))
    Next number
    mSheets = sheets
    mBefore = contents
End Sub

Private Function ContentsOf(ByVal sheet As Worksheet) As Variant
    Dim rows As Long, columns As Long
    rows = sheet.UsedRange.Row + sheet.UsedRange.Rows.Count - 1
    columns = sheet.UsedRange.Column + sheet.UsedRange.Columns.Count ' one more: a single cell would be no array
    If columns > sheet.Columns.Count Then columns = sheet.Columns.Count
    If CDbl(rows) * columns > MOST_CHECKED Then Exit Function
    ContentsOf = sheet.Range("A1").Resize(rows, columns).Formula
End Function

' Lines of fields with tabs between: tell and a text for a box; or mark, note and row, each with sheet, cells and text.
Private Sub TakeCheck(ByVal answer As String)
    Dim entry As Variant, parts As Variant, waits As Boolean
    waits = Place() = mPlace
    If Left$(answer, 5) = "tell" & vbTab Then
        Tell Split(answer, vbTab)(1)
    ElseIf Checked().ProtectStructure Then
        Tell SAYS_NO_REPORT
    Else
        Application.ScreenUpdating = False
        RemoveAll Checked()
        mChanged = 0
        mSheet = ""
        For Each entry In Split(answer, vbLf)
            parts = Split(entry, vbTab)
            If UBound(parts) > 0 Then TakeLine parts
        Next entry
        WriteReport answer, waits
        Application.ScreenUpdating = True
        mTold = CDbl(Now)
    End If
End Sub

' A mark or a note; nothing where the sheet is gone or protected.
Private Sub TakeLine(ByVal parts As Variant)
    Dim sheet As Worksheet
    Set sheet = SheetOf(parts(1))
    If sheet Is Nothing Then Exit Sub
    If sheet.ProtectContents Then Exit Sub
    If mSheet <> sheet.Name Then LookAt sheet.Name
    If parts(0) = "mark" Then
        MarkUnedited sheet.Range(parts(2))
    ElseIf parts(0) = "note" Then
        If Not IsEdited(sheet.Range(parts(2))) Then AddNote sheet.Range(parts(2)), Replace(parts(3), ChrW$(LINE_BREAK), vbLf)
    End If
End Sub

Private Sub LookAt(ByVal sheet As String)
    Dim number As Long
    mSheet = sheet
    mRows = Empty
    For number = 1 To UBound(mSheets)
        If mSheets(number) = sheet Then mRows = mBefore(number)
    Next number
End Sub

Private Function SheetOf(ByVal called As String) As Worksheet
    On Error Resume Next
    Set SheetOf = Checked().Worksheets(called)
End Function

' All at once where no cell has changed.
Private Sub MarkUnedited(ByVal cells As Range)
    Dim cell As Range, edited As Long
    For Each cell In cells.Cells
        If IsEdited(cell) Then edited = edited + 1
    Next cell
    mChanged = mChanged + edited
    If edited = 0 Then
        AddMark cells
    Else
        For Each cell In cells.Cells
            If Not IsEdited(cell) Then AddMark cell
        Next cell
    End If
End Sub

' Whether a cell holds something else than when the check began. (Of a sheet too large to remember nobody can tell.)
Private Function IsEdited(ByVal cell As Range) As Boolean
    Dim before As String
    If IsEmpty(mRows) Then Exit Function
    If cell.Row <= UBound(mRows, 1) And cell.Column <= UBound(mRows, 2) Then before = mRows(cell.Row, cell.Column)
    IsEdited = before <> cell.Formula
End Function

' A sheet at the end, with a row for each of the answer's; what could not be marked is said after the first, which
' the status bar says too.
Private Sub WriteReport(ByVal answer As String, ByVal waits As Boolean)
    Dim entry As Variant, parts As Variant, report As Worksheet, number As Long, said As Variant
    Set report = NewReport(waits)
    For Each entry In Split(answer, vbLf)
        parts = Split(entry, vbTab)
        If Left$(entry, 4) = "row" & vbTab Then
            number = number + 1
            If parts(2) <> "" Then report.Cells(number, 1).Formula = LinkTo(parts(1), parts(2))
            PutText report.Cells(number, 2), parts(3)
            If number = 1 Then
                Application.StatusBar = Replace(Replace(SAYS_CHECKED, "{found}", parts(3)), "{sheet}", report.Name)
                For Each said In Unmarked(answer)
                    number = number + 1
                    PutText report.Cells(number, 2), said
                Next said
            End If
        End If
    Next entry
End Sub

' It comes to the front where its user waits for it. Whoever has gone on to another cell stays there.
Private Function NewReport(ByVal waits As Boolean) As Worksheet
    Dim called As String, number As Long, front As Workbook, shown As Object, made As Worksheet
    called = CHECK_SHEET
    number = 1
    Do While Not SheetOf(called) Is Nothing
        number = number + 1
        called = CHECK_SHEET & " (" & number & ")"
    Loop
    Set front = ActiveWorkbook
    Set shown = ActiveSheet
    Set made = Checked().Worksheets.Add(After:=Checked().Worksheets(Checked().Worksheets.Count))
    front.Activate
    If Not waits Then shown.Activate
    made.Name = called
    made.Names.Add CHECK_REPORT, "='" & called & "'!$A$1"
    made.Columns(1).ColumnWidth = 20
    made.Columns(1).Font.Color = CHECK_LINK
    made.Columns(1).Font.Underline = UNDERLINED
    made.Columns(2).ColumnWidth = 140
    made.Columns(2).WrapText = True
    made.Cells(1, 2).Font.Bold = True
    Set NewReport = made
End Function

Private Function LinkTo(ByVal sheet As String, ByVal cell As String) As String
    Dim target As String
    target = Replace(Replace(sheet, "'", "''"), """", """""")
    LinkTo = "=HYPERLINK(""#'" & target & "'!" & cell & """,""" & Replace(sheet, """", """""") & "!" & cell & """)"
End Function

' What could not be marked, in words.
Private Function Unmarked(ByVal answer As String) As Collection
    Dim sheet As Worksheet, found As New Collection
    For Each sheet In Checked().Worksheets
        If sheet.ProtectContents And InStr(answer, "mark" & vbTab & sheet.Name & vbTab) > 0 Then
            found.Add Replace(SAYS_UNMARKED, "{sheet}", sheet.Name)
        End If
    Next sheet
    If mChanged > 0 Then found.Add Replace(SAYS_EDITED, "{count}", mChanged)
    Set Unmarked = found
End Function

Private Sub RemoveAll(ByVal which As Workbook)
    Dim number As Long
    For number = which.Worksheets.Count To 1 Step -1
        If IsReport(which.Worksheets(number)) And which.Sheets.Count > 1 And Not which.ProtectStructure Then
            Application.DisplayAlerts = False
            which.Worksheets(number).Delete
            Application.DisplayAlerts = True
        ElseIf Not which.Worksheets(number).ProtectContents Then
            RemoveMarks which.Worksheets(number)
        End If
    Next number
End Sub

Private Function IsReport(ByVal sheet As Worksheet) As Boolean
    Dim entry As Object
    For Each entry In sheet.Names
        If entry.Name Like "*" & CHECK_REPORT Then IsReport = True
    Next entry
End Function

' Whether something protected still has marks, or is the report.
Private Function IsKept(ByVal which As Workbook) As Boolean
    Dim sheet As Worksheet
    For Each sheet In which.Worksheets
        If sheet.ProtectContents Then IsKept = IsKept Or HasMarks(sheet)
        If which.ProtectStructure Then IsKept = IsKept Or IsReport(sheet)
    Next sheet
End Function
