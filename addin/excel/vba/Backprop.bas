Attribute VB_Name = "Backprop"
Option Explicit
' The buttons of Results. Each asks Python in a process of its own and returns at once; the answer comes as a file,
' which BackpropFollow looks for every second. Nothing trains in Excel or in its Python server, which ends with Excel.

Public Sub Button_TrainCNN()
    If Not ResultsIsReady() Then Exit Sub
    Say STARTING
    Ask "train", SettingsText()
End Sub

Public Sub Button_Stop()
    If Not ResultsIsReady() Then Exit Sub
    Ask "stop", ""
End Sub

Public Sub Button_Resume()
    If Not ResultsIsReady() Then Exit Sub
    Ask "resume", ""
End Sub

Public Sub Button_Unfold()
    If Not ResultsIsReady() Then Exit Sub
    Ask "unfold", ""
End Sub

' Compute every cell anew. On macOS, where Excel's cells cannot call Python, Python writes its numbers as values.
Public Sub Button_Recalculate()
    CalculateAll
    If OnMac() Then Ask "recalculate", ""
End Sub

' LibreOffice, where this is tested, has no CalculateFull; its Calculate computes every cell anew.
Private Sub CalculateAll()
    On Error GoTo older
    Application.CalculateFull
    Exit Sub
older:
    Application.Calculate
End Sub

' A workbook was opened: show the newest run that was started from it.
Public Sub WorkbookOpened()
    If Not Named(RUN_FOLDER) Is Nothing Then Ask "newest", "", quiet:=True
End Sub

Private Function ResultsIsReady() As Boolean
    Dim called As Variant
    If Named(RUN_TABLE) Is Nothing And Named(RUN_STATUS) Is Nothing Then
        Tell SAYS_NO_RESULTS
        Exit Function
    End If
    For Each called In Split(SHOWN_BY_RUNS, " ")
        If Not CanWrite(called) Then Exit Function
    Next called
    ResultsIsReady = True
End Function

' The settings of the next run: the cells named run_..., a line each.
Private Function SettingsText() As String
    Dim entry As Object, cell As Range
    For Each entry In Book.Names
        If Left$(entry.Name, Len(SETTING)) = SETTING And InStr(SHOWN_BY_RUNS, entry.Name) = 0 Then
            Set cell = Named(entry.Name)
            If Not cell Is Nothing Then
                SettingsText = SettingsText & Mid$(entry.Name, Len(SETTING) + 1) & "=" & TextOf(cell) & vbLf
            End If
        End If
    Next entry
End Function

' Start Python with a request. What comes back is for BackpropFollow. A quiet request that cannot be made says nothing.
Public Sub Ask(ByVal command As String, ByVal details As String, Optional ByVal quiet As Boolean = False)
    If IsStarting() Then Exit Sub
    On Error GoTo failed
    Request command, NewAnswer(), details
    AwaitAnswer command
    Exit Sub
failed:
    ForgetAnswer
    If Not quiet Then Say "Python could not be started (" & Err.Description & "). In the project's folder: python start.py doctor"
End Sub

' Start Python with a request, which it answers with a file.
Public Sub Request(ByVal command As String, ByVal answer As String, ByVal details As String)
    Dim file As String
    If Not Book Is Nothing Then file = Book.FullName
    Launch Encoded("command=" & command & vbLf & "home=" & GetConfig("BACKPROP_HOME") & vbLf & _
        "workbook=" & file & vbLf & "folder=" & TextOf(Named(RUN_FOLDER)) & vbLf & _
        "answer=" & answer & vbLf & details)
End Sub

' Ask how the run stands; for BackpropFollow.
Public Sub AskHowItStands()
    Ask "look", ""
End Sub

' Run Python without waiting for it, its console hidden. The request is one word of letters and digits.
Private Sub Launch(ByVal word As String)
    Dim interpreter As String, program As String
    If OnMac() Then
        GrantAccess GetConfig("BACKPROP_HOME")
        RunPython "from addin.excel import command; command.main(['" & word & "'])"
        Application.StatusBar = False
    Else
        interpreter = GetConfig("INTERPRETER_WIN")
        program = GetConfig("PYTHONPATH") & Application.PathSeparator & "addin"
        program = program & Application.PathSeparator & "excel" & Application.PathSeparator & "command.py"
        WScript.Run """" & interpreter & """ -E """ & program & """ " & word, 0, False
    End If
End Sub

' Excel for Mac asks its user once before a macro may read files there.
Private Sub GrantAccess(ByVal folder As String)
    #If Mac Then
        GrantAccessToMultipleFiles Array(folder)
    #End If
End Sub

' A text as one word for a command line: all but letters and digits as ~ and four hexadecimal digits.
Private Function Encoded(ByVal text As String) As String
    Dim place As Long, character As String
    For place = 1 To Len(text)
        character = Mid$(text, place, 1)
        If character Like "[A-Za-z0-9]" And AscW(character) < 128 And AscW(character) > 0 Then
            Encoded = Encoded & character
        Else
            Encoded = Encoded & "~" & Right$("000" & Hex$(AscW(character) And &HFFFF&), 4)
        End If
    Next place
End Function
