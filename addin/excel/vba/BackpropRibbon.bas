Attribute VB_Name = "BackpropRibbon"
Option Explicit
' What backprop.xlam, the add-in, does besides the macros that it shares with backprop.xlsm: the tab Backprop of Excel's
' ribbon, and what is to be done when any workbook opens.

Private Const EXCEL_LINKS As Long = 1 ' xlExcelLinks and xlLinkTypeExcelLinks
Private Const OWN_BUTTON As String = "Button_"

Public Function IsAddIn() As Boolean
    IsAddIn = LCase$(ThisWorkbook.Name) Like "*.xlam"
End Function

' A control of the ribbon; its tag is the macro to run.
Public Sub RibbonPressed(control As Object)
    RunOnBook control.Tag
End Sub

' Run a macro on the workbook in front. One that has our macros itself runs its own, so that nobody shows a run twice.
Public Sub RunOnBook(ByVal macro As String)
    Dim front As Workbook, owner As Workbook
    Set front = Book()
    Set owner = ThisWorkbook
    If HasOwnMacros(front) And Left$(macro, Len(OWN_BUTTON)) = OWN_BUTTON Then Set owner = front
    Application.Run "'" & Replace(owner.Name, "'", "''") & "'!" & macro
End Sub

Private Function HasOwnMacros(ByVal which As Workbook) As Boolean
    On Error Resume Next
    If LCase$(which.Name) Like "*.xlsm" Then HasOwnMacros = Not which.Worksheets(SETTINGS_SHEET) Is Nothing
End Function

' Have Python write a new workbook of the network beside the user's own, and open it.
Public Sub NewWorkbook()
    Ask "new", ""
End Sub

Public Sub ShowHelp()
    MsgBox Replace(SAYS_HELP, "{project}", GetConfig("PYTHONPATH")), vbInformation, "Backprop"
End Sub

' A workbook was opened while the add-in is on.
Public Sub AnyWorkbookOpened(ByVal opened As Workbook)
    Dim before As Workbook
    RepointLinks opened
    If HasOwnMacros(opened) Then Exit Sub
    Set before = Serve(opened)
    WorkbookOpened
    Serve before
End Sub

' A saved formula holds the whole path of the add-in that it was written with, and is #NAME? where that is not: let it
' look for this one.
Private Sub RepointLinks(ByVal opened As Workbook)
    Dim links As Variant, link As Variant
    On Error Resume Next
    links = opened.LinkSources(EXCEL_LINKS)
    If IsEmpty(links) Then Exit Sub
    For Each link In links
        If IsOtherCopy(link) Then opened.ChangeLink link, ThisWorkbook.FullName, EXCEL_LINKS
    Next link
End Sub

' Whether a file is this one by its name, and lies somewhere else.
Public Function IsOtherCopy(ByVal path As String) As Boolean
    Dim parts As Variant
    parts = Split(Replace(path, "\", "/"), "/")
    If LCase$(path) <> LCase$(ThisWorkbook.FullName) Then IsOtherCopy = LCase$(parts(UBound(parts))) = LCase$(ThisWorkbook.Name)
End Function
