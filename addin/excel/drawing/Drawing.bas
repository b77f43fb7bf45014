Attribute VB_Name = "Drawing"
Option Explicit
' Draws into an unfolded network in Excel: with the pen down, a drag over the field leaves a soft line from the cell in
' which it began to the one in which it ended; Undo takes it away again. With the pen up, a drag selects, as elsewhere.

Private Const DOWN As String = "down"
Private Const UP As String = "up"

Private mBefore As Variant ' the field before the last stroke

Public Sub Button_Pen()
    With Named(PEN_STATE)
        .Value = IIf(.Value = DOWN, UP, DOWN)
    End With
End Sub

' The empty field is copied over the user's: with its numbers goes what a paste brought along, looks and limits.
Public Sub Button_Clear()
    mBefore = Named(FIELD).Value
    Named(EMPTY_FIELD).Copy Named(FIELD)
    OfferUndo CLEARED
End Sub

Public Sub SelectionChanged(ByVal target As Range)
    If Named(PEN_STATE).Value = DOWN And IsDrag(target, Named(FIELD)) Then Stroke target, Named(FIELD)
End Sub

' Whether several cells are selected, all of them in the field.
Private Function IsDrag(ByVal target As Range, ByVal area As Range) As Boolean
    If target.Areas.Count > 1 Or target.Rows.Count * target.Columns.Count < 2 Then Exit Function
    IsDrag = target.Row >= area.Row And target.Row + target.Rows.Count <= area.Row + area.Rows.Count And _
        target.Column >= area.Column And target.Column + target.Columns.Count <= area.Column + area.Columns.Count
End Function

' A line through the selection, from the cell in which it began to the opposite corner; all of it is written at once.
Private Sub Stroke(ByVal target As Range, ByVal area As Range)
    Dim values As Variant, seen As Variant, row As Long, column As Long, found As Double
    Dim top As Long, left As Long, bottom As Long, right As Long
    mBefore = area.Value
    values = area.Value
    seen = Named(SEEN_FIELD).Value
    top = target.Row - area.Row + 1
    bottom = top + target.Rows.Count - 1
    left = target.Column - area.Column + 1
    right = left + target.Columns.Count - 1
    If (ActiveCell.Row = target.Row) <> (ActiveCell.Column = target.Column) Then
        row = top
        top = bottom
        bottom = row
    End If
    For row = 1 To area.Rows.Count
        For column = 1 To area.Columns.Count
            found = InkAt(row, column, top, left, bottom, right)
            If found > seen(row, column) Then values(row, column) = found
        Next column
    Next row
    area.Value = values
    OfferUndo STROKE_TITLE
End Sub

' How much ink the pen leaves in a cell: all of it on its line, less and less beside it.
Private Function InkAt(ByVal row As Long, ByVal column As Long, ByVal top As Long, ByVal left As Long, _
        ByVal bottom As Long, ByVal right As Long) As Double
    Dim length As Double, share As Double, distance As Double
    length = (right - left) ^ 2 + (bottom - top) ^ 2
    If length > 0 Then share = ((column - left) * (right - left) + (row - top) * (bottom - top)) / length
    If share < 0 Then share = 0
    If share > 1 Then share = 1
    distance = Sqr((column - left - share * (right - left)) ^ 2 + (row - top - share * (bottom - top)) ^ 2)
    share = (PEN_REACH - distance) / PEN_EDGE
    If share < 0 Then share = 0
    If share > 1 Then share = 1
    InkAt = Round(FULL_INK * share)
End Function

' A macro empties Excel's list of Undo: this is the one entry in it. (LibreOffice, where this is tested, keeps its own.)
Private Sub OfferUndo(ByVal title As String)
    On Error Resume Next
    Application.OnUndo "Undo " & title, "UndoDrawing"
End Sub

' (LibreOffice writes nothing where an array is empty.)
Public Sub UndoDrawing()
    Named(FIELD).ClearContents
    Named(FIELD).Value = mBefore
End Sub

Private Function Named(ByVal called As String) As Range
    Set Named = ThisWorkbook.Names(called).RefersToRange
End Function
