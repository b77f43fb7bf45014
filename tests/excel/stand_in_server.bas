Attribute VB_Name = "XLPy"
Option Explicit
' Stands in for the COM server: XLPy.CallUDF is a function of this module.

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
        Variant_ = argument.Value
    Else
        Variant_ = argument
    End If
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
