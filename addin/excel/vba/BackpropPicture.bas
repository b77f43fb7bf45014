Attribute VB_Name = "BackpropPicture"
Option Explicit
' The buttons of Picture: they step the epoch that all sheets show, which is typed on Forward.

Public Sub Button_FirstEpoch()
    ShowEpoch 0
End Sub

Public Sub Button_Back()
    ShowEpoch NumberIn(EPOCH) - 1
End Sub

Public Sub Button_Next()
    ShowEpoch NumberIn(EPOCH) + 1
End Sub

Public Sub Button_Next10()
    ShowEpoch NumberIn(EPOCH) + 10
End Sub

Public Sub Button_LastEpoch()
    ShowEpoch NumberIn(LAST_EPOCH)
End Sub

' Show this epoch, or the nearest that there is.
Private Sub ShowEpoch(ByVal wanted As Double)
    If Not CanWrite(EPOCH) Then Exit Sub
    If wanted > NumberIn(LAST_EPOCH) Then wanted = NumberIn(LAST_EPOCH)
    If wanted < 0 Then wanted = 0
    Named(EPOCH).Value = wanted
End Sub

' What a cell holds; 0 for a text, a blank, or no cell.
Private Function NumberIn(ByVal called As String) As Double
    If Named(called) Is Nothing Then Exit Function
    If VarType(Named(called).Value) = vbDouble Then NumberIn = Named(called).Value
End Function
