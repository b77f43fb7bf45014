Attribute VB_Name = "xlwings"
Option Explicit
' Stands in for xlwings' own module in LibreOffice: what our macros call of it, answered by stand_in.py.

Public Function GetConfig(ByVal key As String, Optional ByVal otherwise As Variant) As String
    Dim row As Long, sheet As Object
    Set sheet = ThisWorkbook.Sheets("xlwings.conf")
    For row = 1 To 40
        If sheet.Cells(row, 1).Value = key Then GetConfig = sheet.Cells(row, 2).Value
    Next row
End Function

Public Sub RunPython(ByVal command As String)
    Python "note", Array("RunPython " & command)
End Sub

Public Function Python(ByVal called As String, arguments As Variant) As Variant
    Dim factory As Object, script As Object
    Set factory = CreateUnoService("com.sun.star.script.provider.MasterScriptProviderFactory")
    Set script = factory.createScriptProvider("").getScript("vnd.sun.star.script:stand_in.py$" & called & "?language=Python&location=user")
    Python = script.invoke(arguments, Array(), Array())
End Function

' Stop ticking; whether no tick is under way, which would make the next appointment when it ends.
Public Function IsAtRest() As Boolean
    BackpropFollow.StopTicking
    IsAtRest = Not BackpropFollow.AtWork
End Function

' Excel's event for any workbook, which LibreOffice has not: for the one in front.
Public Sub OpenedInFront()
    AnyWorkbookOpened ActiveWorkbook
End Sub
