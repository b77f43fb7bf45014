Attribute VB_Name = "WScript"
Option Explicit
' Stands in for WScript.Shell: WScript.Run is a function of this module.

Public Function Run(ByVal command As String, ByVal style As Long, ByVal wait_ As Boolean) As Variant
    Run = Python("run", Array(command))
End Function
