Attribute VB_Name = "BackpropMarks"
Option Explicit
' The marks of a check on cells: conditional formats whose condition is always true, and notes. Apart from the rest of
' the check because LibreOffice's VBA, where that is tested, knows neither conditional formats nor every note's text.

Private Const EXPRESSION As Long = 2 ' xlExpression

' Colour cells beside whatever conditional formats they have: the first one shows, and none stops the others.
Public Sub AddMark(ByVal cells As Range)
    Dim mark As Object
    Set mark = cells.FormatConditions.Add(EXPRESSION, , "=" & CHECK_FORMULA)
    mark.Interior.Color = CHECK_COLOUR
    mark.Font.Color = CHECK_TEXT
    mark.StopIfTrue = False
    mark.SetFirstPriority
End Sub

' Note what is wrong on a cell that has no note; a thread of comments, and a part of a merged cell, refuse one.
Public Sub AddNote(ByVal cell As Range, ByVal text As String)
    If Not cell.Comment Is Nothing Then Exit Sub
    On Error Resume Next
    cell.AddComment text
    cell.Comment.Shape.TextFrame.AutoSize = True
End Sub

' Take our conditional formats and our notes off a sheet, also those that a file brought back.
Public Sub RemoveMarks(ByVal sheet As Worksheet)
    Dim found As Object, number As Long
    Set found = sheet.Cells.FormatConditions
    For number = found.Count To 1 Step -1
        If IsMark(found.Item(number)) Then found.Item(number).Delete
    Next number
    Set found = sheet.Comments
    For number = found.Count To 1 Step -1
        If Left$(found.Item(number).Text, Len(CHECK_NOTE)) = CHECK_NOTE Then found.Item(number).Delete
    Next number
End Sub

Public Function HasMarks(ByVal sheet As Worksheet) As Boolean
    Dim found As Object, number As Long
    Set found = sheet.Cells.FormatConditions
    For number = 1 To found.Count
        If IsMark(found.Item(number)) Then HasMarks = True
    Next number
End Function

Private Function IsMark(ByVal condition As Object) As Boolean
    On Error Resume Next ' a colour scale has no formula
    If condition.Type = EXPRESSION Then IsMark = condition.Formula1 = "=" & CHECK_FORMULA
End Function
