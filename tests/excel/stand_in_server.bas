Attribute VB_Name = "XLPy"
Option Explicit
' Stands in for the COM server: XLPy.CallUDF is a function of this module.

Private Const NOT_AVAILABLE As Long = -2146826246

Public Function CallUDF(ByVal module_ As String, ByVal called As String, arguments As Variant, book As Variant, caller As Variant) As Variant
    Dim values() As Variant, number As Long
    If UBound(arguments) >= 0 Then ReDim values(0 To UBound(arguments))
    For number = 0 To UBound(arguments)
        values(number) = Variant_(arguments(number))
    Next number
    CallUDF = Block(Python("call_udf", Array(module_, called, values)))
End Function

' What COM would hand over: a range as its values, the number of a missing argument.
Private Function Variant_(argument As Variant) As Variant
    If IsMissing(argument) Then
        Variant_ = -2147352572
    ElseIf IsObject(argument) Then
        Variant_ = ValuesOf(argument)
    Else
        Variant_ = argument
    End If
End Function

' In Excel an error is a number of its own, here always that of #N/A; LibreOffice's VBA makes 0 of it.
Private Function ValuesOf(cells_ As Variant) As Variant
    Dim values As Variant, row As Long, column As Long
    values = cells_.Value
    If Not IsArray(values) Then
        If IsErrorIn(cells_) Then values = NOT_AVAILABLE
    Else
        For row = 1 To UBound(values, 1)
            For column = 1 To UBound(values, 2)
                If IsErrorIn(cells_.Cells(row, column)) Then values(row, column) = NOT_AVAILABLE
            Next column
        Next row
    End If
    ValuesOf = values
End Function

Private Function IsErrorIn(cell As Variant) As Boolean
    IsErrorIn = Application.WorksheetFunction.IsError(cell)
End Function

' Rows of values as an array of two dimensions, which UNO does not have.
Private Function Block(answer As Variant) As Variant
    Dim cells() As Variant, row As Long, column As Long
    Block = answer
    If Not IsArray(answer) Then Exit Function
    If Not IsArray(answer(0)) Then Exit Function
    ReDim cells(0 To UBound(answer), 0 To UBound(answer(0)))
    For row = 0 To UBound(answer)
        For column = 0 To UBound(answer(0))
            cells(row, column) = answer(row)(column)
        Next column
    Next row
    Block = cells
End Function
