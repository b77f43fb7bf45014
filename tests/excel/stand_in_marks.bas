Attribute VB_Name = "BackpropMarks"
Option Explicit
' Stands in for the module of this name, of whose Excel LibreOffice's VBA knows too little: the same by stand_in.py.

Public Sub AddMark(ByVal cells As Object)
    Python "add_mark", Array(cells.CellRange, CHECK_FORMULA)
End Sub

Public Sub AddNote(ByVal cell As Object, ByVal text As String)
    If cell.Comment Is Nothing Then cell.AddComment text
End Sub

Public Sub RemoveMarks(ByVal sheet As Object)
    Python "remove_marks", Array(sheet.Range("A1").CellRange, CHECK_FORMULA, CHECK_NOTE)
End Sub

Public Function HasMarks(ByVal sheet As Object) As Boolean
    HasMarks = Python("has_marks", Array(sheet.Range("A1").CellRange, CHECK_FORMULA))
End Function
