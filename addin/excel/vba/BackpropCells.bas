Attribute VB_Name = "BackpropCells"
Option Explicit
' Cells by their defined names, wherever the user moved them, and a line to say what goes on.

Private mServed As Workbook ' Nothing but while one is served that need not be in front

' The workbook that the macros act on: the one in front, or the one that is served. Nothing where none is open.
Public Function Book() As Workbook
    If mServed Is Nothing Then
        Set Book = ActiveWorkbook
    Else
        Set Book = mServed
    End If
End Function

' Serve this workbook, in front or not, as when it opens or a run arrives in it; gives the one that was served before.
Public Function Serve(ByVal which As Workbook) As Workbook
    Set Serve = mServed
    Set mServed = which
End Function

' The cells of a name; Nothing where the name is gone or broken.
Public Function Named(ByVal called As String) As Range
    On Error Resume Next
    Set Named = Book.Names(called).RefersToRange
End Function

' Empty the rows right under some cells, to the first that is blank: what stands below that is the user's.
Public Sub EmptyBelow(ByVal heads As Range)
    Dim filled As Long
    Do While Application.WorksheetFunction.CountA(heads.Offset(filled + 1, 0)) > 0
        filled = filled + 1
    Loop
    If filled > 0 Then heads.Offset(1, 0).Resize(filled).ClearContents
End Sub

' Whether the cells of a name are there and can be written; says why not.
Public Function CanWrite(ByVal called As String) As Boolean
    Dim cells As Range
    Set cells = Named(called)
    If cells Is Nothing Then
        Tell Replace(SAYS_NO_NAME, "{name}", called)
    ElseIf cells.Worksheet.ProtectContents Then
        Tell Replace(Replace(SAYS_PROTECTED, "{where}", "Review > Unprotect Sheet"), "{sheet}", cells.Worksheet.Name)
    Else
        CanWrite = True
    End If
End Function

' What a cell holds, as one line of text; a number with a point, whatever the machine's language. "" for no cell.
Public Function TextOf(ByVal cell As Range) As String
    Dim value As Variant
    If cell Is Nothing Then Exit Function
    value = cell.Cells(1, 1).Value
    If IsError(value) Then
        TextOf = "an error"
    ElseIf VarType(value) = vbDouble Then
        TextOf = Trim$(Str$(value))
    Else
        TextOf = Replace(Replace(CStr(value), vbCr, " "), vbLf, " ")
    End If
End Function

' Show a line in the status cell of Results.
Public Sub Say(ByVal message As String)
    Dim cell As Range
    Set cell = Named(RUN_STATUS)
    If cell Is Nothing Then
        Tell message
    ElseIf TextOf(cell) <> message Then
        PutText cell, message
    End If
End Sub

' Write a text that stays one, also if it begins like a formula.
Public Sub PutText(ByVal cell As Range, ByVal text As String)
    If text Like "[=+@-]*" Then text = "'" & text
    cell.Cells(1, 1).Value = text
End Sub

Public Sub Tell(ByVal message As String)
    MsgBox message, vbExclamation, "Backprop"
End Sub

Public Function OnMac() As Boolean
    OnMac = InStr(1, Application.OperatingSystem, "Mac", vbTextCompare) > 0
End Function

' Have so many rows under the heads of a table printed, or as many as at first; the user's own print area stays.
Public Sub PrintRows(ByVal table As Range, ByVal count As Long)
    Dim area As Range, last As Long
    On Error Resume Next ' a sheet without a print area, a computer without a printer
    Set area = table.Worksheet.Range(table.Worksheet.PageSetup.PrintArea)
    If area Is Nothing Then Exit Sub
    last = area.Row + area.Rows.Count - 1
    If last < table.Row + PRINTED_ROWS Then Exit Sub
    If count < PRINTED_ROWS Then count = PRINTED_ROWS
    If last <> table.Row + count Then
        table.Worksheet.PageSetup.PrintArea = area.Resize(table.Row + count - area.Row + 1).Address
    End If
End Sub

' What a cell function gives when Python cannot be reached.
Public Function Failure(ByVal description As String) As String
    If OnMac() Then description = SAYS_ONLY_BUTTONS
    Failure = "#Python: " & description
End Function

' On macOS, where Python's numbers are values: a cell has changed, so empty them until Recalculate is pressed again.
Public Sub ForgetPythonNumbers()
    Dim settings As Worksheet, row As Long, area As String
    Set settings = Book.Worksheets(SETTINGS_SHEET)
    Application.EnableEvents = False
    On Error Resume Next
    Named(PYTHON_READY).Value = False
    row = BLOCKS_ROW
    Do While settings.Cells(row, BLOCKS_PLACE).Formula <> ""
        area = settings.Cells(row, BLOCKS_PLACE).Formula
        settings.Evaluate(Mid$(area, 7, Len(area) - 7)).Value = NO_NUMBER
        row = row + 1
    Loop
    Application.EnableEvents = True
End Sub
