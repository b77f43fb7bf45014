Attribute VB_Name = "BackpropLog"
Option Explicit
' The buttons of the training log. Native formulas in log_next hold the row to come; a step keeps their values under
' the last row. The row beneath the header of log_table is epoch 0, the start, and is never removed.

Private Const PRESS As Long = 2

Public Sub Button_Step()
    If LogIsReady() Then AppendRows 1
End Sub

Public Sub Button_RunN()
    Dim count As Long
    If Not LogIsReady() Then Exit Sub
    count = EpochsToRun()
    If count > 0 Then AppendRows count
End Sub

' Remove the rows of the last press.
Public Sub Button_Undo()
    Dim table As Range, last As Long, pressed As Double
    If Not LogIsReady() Then Exit Sub
    Set table = Named(LOG_TABLE)
    last = LastEpoch(table)
    pressed = LastPress(table, last)
    Do While last > 0 And pressed > 0 And PressOf(table, last) = pressed
        RowOf(table, last).ClearContents
        last = last - 1
    Loop
    PrintRows table, last + 1
End Sub

' Back to the start: remove all rows but epoch 0.
Public Sub Button_Reset()
    Dim table As Range, last As Long
    If Not LogIsReady() Then Exit Sub
    Set table = Named(LOG_TABLE)
    last = LastEpoch(table)
    If last > 0 Then table.Offset(2, 0).Resize(last).ClearContents
    PrintRows table, 1
End Sub

Private Function LogIsReady() As Boolean
    If Not CanWrite(LOG_TABLE) Then Exit Function
    LogIsReady = CanWrite(LOG_NEXT)
End Function

' How many epochs one press of Run n takes; 0, having said why, for a cell that says no such number.
Private Function EpochsToRun() As Long
    Dim value As Variant
    If Named(LOG_STEPS) Is Nothing Then
        Tell Replace(SAYS_NO_NAME, "{name}", LOG_STEPS)
        Exit Function
    End If
    value = Named(LOG_STEPS).Cells(1, 1).Value
    If VarType(value) = vbDouble Then
        If value >= 1 And value <= MOST_STEPS And value = Int(value) Then EpochsToRun = value
    End If
    If EpochsToRun = 0 Then Tell Replace(SAYS_WRONG_N, "{found}", TextOf(Named(LOG_STEPS)))
End Function

' Append the row in log_next so many times, all under one press number.
Private Sub AppendRows(ByVal count As Long)
    Dim table As Range, mode As Long, last As Long, pressed As Double, fault As String
    Set table = Named(LOG_TABLE)
    last = LastEpoch(table)
    pressed = LastPress(table, last) + 1
    mode = Application.Calculation
    On Error GoTo restore
    Application.ScreenUpdating = False
    Application.Calculate
    Application.Calculation = xlCalculationManual
    Do While count > 0 And fault = ""
        fault = KeepNext(table, last + 1, pressed)
        last = last + 1
        count = count - 1
    Loop
restore:
    If Err.Number <> 0 Then fault = Err.Description
    PrintRows table, last + 1
    Application.Calculation = mode
    Application.ScreenUpdating = True
    If fault <> "" Then Tell fault
End Sub

' Keep the values of log_next as the row of this epoch; what is wrong with them where they cannot be kept.
Private Function KeepNext(ByVal table As Range, ByVal epoch As Long, ByVal pressed As Double) As String
    Dim coming As Range, values As Variant
    Set coming = Named(LOG_NEXT)
    If table.Row + 1 + epoch > table.Worksheet.Rows.Count Then
        KeepNext = "The sheet is full."
        Exit Function
    End If
    KeepNext = FaultIn(coming, table)
    If KeepNext <> "" Then Exit Function
    values = coming.Value
    values(1, PRESS) = pressed
    RowOf(table, epoch).Value = values
    coming.Worksheet.Calculate
End Function

' Why the row to come cannot be kept: a cell of it is no number.
Private Function FaultIn(ByVal coming As Range, ByVal table As Range) As String
    Dim column As Long
    If coming.Columns.Count <> table.Columns.Count Then
        FaultIn = SAYS_WRONG_WIDTH
        Exit Function
    End If
    For column = 1 To coming.Columns.Count
        If column <> PRESS And Application.WorksheetFunction.Count(coming.Cells(1, column)) = 0 Then
            FaultIn = Replace(SAYS_NO_NEXT_ROW, "{reason}", ReasonOf(coming.Cells(1, column)))
            Exit Function
        End If
    Next column
End Function

' What a cell of log_next says, or the first cell of Network that is no number; else the descent has no next row.
Private Function ReasonOf(ByVal cell As Range) As String
    Dim state As Range
    Set state = Named(FIRST_BAD_INPUT)
    If Application.WorksheetFunction.IsText(cell) Then
        ReasonOf = TextOf(cell) & "."
    ElseIf Not state Is Nothing Then
        If TextOf(state) <> ALL_GOOD Then ReasonOf = Replace(SAYS_BAD_INPUT, "{state}", TextOf(state))
    End If
    If ReasonOf = "" Then ReasonOf = SAYS_DIVERGED
End Function

' The number of the last filled row, counted from epoch 0, the row beneath the header.
Private Function LastEpoch(ByVal table As Range) As Long
    Dim used As Range, last As Long
    Set used = table.Worksheet.UsedRange
    last = used.Row + used.Rows.Count - table.Row - 2
    Do While last > 0 And IsEmpty(RowOf(table, last).Cells(1, 1).Value)
        last = last - 1
    Loop
    LastEpoch = IIf(last > 0, last, 0)
End Function

Private Function RowOf(ByVal table As Range, ByVal epoch As Long) As Range
    Set RowOf = table.Offset(1 + epoch, 0)
End Function

Private Function PressOf(ByVal table As Range, ByVal epoch As Long) As Double
    Dim value As Variant
    value = RowOf(table, epoch).Cells(1, PRESS).Value
    If VarType(value) = vbDouble Then PressOf = value
End Function

' The highest press number so far.
Private Function LastPress(ByVal table As Range, ByVal last As Long) As Double
    Dim epoch As Long
    For epoch = 1 To last
        If PressOf(table, epoch) > LastPress Then LastPress = PressOf(table, epoch)
    Next epoch
End Function
