Attribute VB_Name = "BackpropFollow"
Option Explicit
' Follows a run: every second it looks for Python's answer and reads what is new in the run's log. Complete lines only,
' each once; numbers are read by Val, because the log has points whatever the machine's language. Python itself is
' asked how the run stands when the log says that it ended, and when the log is silent.

Private Const SILENCE As Long = 10 ' seconds; doubled with each time that Python is asked
Private Const AT_FIRST As Long = 2 ' the same before the log begins: Python says how far the trainer's set-up is
Private Const PATIENCE As Long = 60 ' seconds that Python may take to answer
Private Const A_DAY As Double = 86400

Private mBook As Workbook ' what is asked and followed is for this one
Private mFolder As String ' of the run or series that is followed; empty for none
Private mRuns As Variant ' the names of a series' runs; none for a single run
Private mRun As Long, mFinished As Long ' which of them is shown, from 0, and how many have finished
Private mPosition As Long ' bytes of its log that have been read
Private mEpochs As String, mBatches As String, mDataset As String
Private mDone As Long ' its last complete epoch
Private mStatus As String ' what its last line tells
Private mSpeed As Double, mSeconds As Double, mDevice As String ' of its last epoch, and where it computes
Private mHeard As Double, mSilence As Long
Private mAnswer As String ' the file that Python answers with; empty when nothing was asked
Private mStarting As Boolean ' what was asked is to start a run
Private mAsked As Double
Private mNext As Double, mTicking As Boolean
Public AtWork As Boolean ' in a tick

' Where the next answer will be.
Public Function NewAnswer() As String
    mAnswer = FreshAnswer()
    NewAnswer = mAnswer
End Function

' A file that is not there, for Python to answer with.
Public Function FreshAnswer() As String
    Randomize
    FreshAnswer = GetConfig("BACKPROP_HOME") & Application.PathSeparator & "answer-" & CLng(Timer) & "-" & _
        CLng(Rnd * 1000000) & ".txt"
End Function

Public Sub AwaitAnswer(ByVal command As String)
    If TextOf(Named(RUN_FOLDER)) <> mFolder Then mFolder = "" ' of another workbook
    Set mBook = Book()
    mAsked = CDbl(Now)
    mStarting = command = "train" Or command = "resume"
    KeepTicking
End Sub

Public Sub ForgetAnswer()
    mAnswer = ""
    mStarting = False
End Sub

' Whether a run is about to start, so that a second press starts no second one.
Public Function IsStarting() As Boolean
    IsStarting = mStarting
End Function

' Look again in a second, while there is something to look for.
Public Sub KeepTicking()
    If mTicking Or (mFolder = "" And mAnswer = "" And Not WaitsForCheck()) Then Exit Sub
    mNext = CDbl(Now) + 1 / A_DAY
    Application.OnTime mNext, TickMacro()
    mTicking = True
End Sub

' The workbook closes: an appointment that is left would open it again.
Public Sub StopTicking()
    On Error Resume Next
    If mTicking Then Application.OnTime mNext, TickMacro(), , False
    mTicking = False
End Sub

Private Function TickMacro() As String
    TickMacro = "'" & Replace(ThisWorkbook.Name, "'", "''") & "'!FollowTick"
End Function

' One look at a time: LibreOffice begins the next one within one that takes long, and lines would be lost.
Public Sub FollowTick()
    mTicking = False
    If AtWork Then
        KeepTicking
        Exit Sub
    End If
    AtWork = True
    On Error GoTo over
    Look
over:
    AtWork = False
    If Err.Number <> 0 Then Err.Raise Err.Number, , Err.Description
End Sub

Private Sub Look()
    Dim before As Workbook
    LookForCheck
    Set before = Serve(mBook)
    Tick
    Set before = Serve(before)
End Sub

Private Sub Tick()
    On Error GoTo failed
    If mAnswer <> "" Then LookForAnswer
    If mFolder <> "" Then ReadLog
    If mFolder <> "" And mAnswer = "" And CDbl(Now) - mHeard > mSilence / A_DAY Then
        mSilence = mSilence * 2
        mHeard = CDbl(Now)
        AskHowItStands
    End If
    KeepTicking
    Exit Sub
failed:
    mFolder = ""
    ForgetAnswer
    If Not Named(RUN_STATUS) Is Nothing Then Tell "The run can no longer be shown here (" & Err.Description & "). It goes on; open the workbook again to see it."
End Sub

Private Sub LookForAnswer()
    Dim answer As String
    If Dir$(mAnswer) = "" Then
        If CDbl(Now) - mAsked > PATIENCE / A_DAY Then
            ForgetAnswer
            Say SAYS_NO_ANSWER
        End If
        Exit Sub
    End If
    answer = FileText(mAnswer, 0)
    Kill mAnswer
    ForgetAnswer
    If answer <> "" Then TakeAnswer Decoded(answer)
End Sub

' What Python answers: lines of key=text, or rows. open: a workbook to open. tell: say this in a box.
Private Sub TakeAnswer(ByVal answer As String)
    If TakeRows(answer) Then Exit Sub
    If Not Named(RUN_TABLE) Is Nothing Then ShowAnswer answer
    If InStr(answer, "open=") > 0 Then Workbooks.Open LineOf(answer, "open")
    If InStr(answer, "tell=") > 0 Then Tell LineOf(answer, "tell")
End Sub

' On Results. folder: show this run. status: say this. over: no more will come.
Private Sub ShowAnswer(ByVal answer As String)
    If Named(RUN_TABLE).Worksheet.ProtectContents Then
        mFolder = ""
        Exit Sub
    End If
    If InStr(answer, "folder=") > 0 Then Follow LineOf(answer, "folder"), LineOf(answer, "runs")
    If InStr(answer, "over=") > 0 Then
        If mFolder <> "" Then ReadLog
        mFolder = ""
    End If
    If InStr(answer, "status=") > 0 Then Say LineOf(answer, "status")
    If InStr(answer, "sheets=") > 0 Then CopyOutcome LineOf(answer, "sheets")
End Sub

' The text of a word in ASCII, which is not empty: ~ and four hexadecimal digits stand for any other character.
Public Function Decoded(ByVal word As String) As String
    Dim parts As Variant, number As Long
    parts = Split(word, "~")
    Decoded = parts(0)
    For number = 1 To UBound(parts)
        Decoded = Decoded & ChrW$(CLng("&H" & Left$(parts(number), 4))) & Mid$(parts(number), 5)
    Next number
End Function

Private Function LineOf(ByVal answer As String, ByVal key As String) As String
    Dim part As Variant
    For Each part In Split(answer, vbLf)
        If Left$(part, Len(key) + 1) = key & "=" Then LineOf = Mid$(part, Len(key) + 2)
    Next part
End Function

' Show this run, or the runs of a series, from the first line.
Private Sub Follow(ByVal folder As String, ByVal names As String)
    mFolder = folder
    PutText Named(RUN_FOLDER), folder
    mRuns = Split(names, " ")
    mRun = 0
    mFinished = 0
    mHeard = CDbl(Now)
    mSilence = AT_FIRST
    ShowNames
    BeginRun
End Sub

Private Sub BeginRun()
    mPosition = 0
    mDone = 0
    mEpochs = ""
    ClearAfter 0
End Sub

' Read what is new; of a series the next run's log too, as soon as there is one.
Private Sub ReadLog()
    ReadLines
    Do While mRun < UBound(mRuns)
        If Dir$(LogOf(mRun + 1)) = "" Then Exit Do
        ReadLines ' its last ones may have come since
        mRun = mRun + 1
        BeginRun
        ReadLines
    Loop
End Sub

Private Function LogOf(ByVal number As Long) As String
    LogOf = mFolder & Application.PathSeparator
    If UBound(mRuns) >= 0 Then LogOf = LogOf & mRuns(number) & Application.PathSeparator
    LogOf = LogOf & "log.jsonl"
End Function

Private Sub ReadLines()
    Dim text As String, entry As Variant
    If Dir$(LogOf(mRun)) = "" Then Exit Sub
    text = FileText(LogOf(mRun), mPosition)
    text = Left$(text, InStrRev(text, vbLf)) ' a torn last line waits
    If text = "" Then Exit Sub
    mPosition = mPosition + Len(text)
    mHeard = CDbl(Now)
    mSilence = SILENCE
    For Each entry In Split(text, vbLf)
        If Left$(entry, 10) = "{""event"": " Then TakeEntry entry
    Next entry
    PrintRows Named(RUN_TABLE), mDone
    Say mStatus
End Sub

' The text of an ASCII file from a position on; from its beginning where it has become shorter than that.
Public Function FileText(ByVal path As String, ByVal position As Long) As String
    Dim number As Integer, text As String
    number = FreeFile
    Open path For Binary Access Read Shared As #number
    If LOF(number) < position Then
        position = 0
        mPosition = 0
    End If
    If LOF(number) > position Then
        Seek #number, position + 1
        text = Input$(LOF(number) - position, #number)
    End If
    Close #number
    FileText = text
End Function

Private Sub TakeEntry(ByVal entry As String)
    Select Case FieldOf(entry, "event")
    Case "started"
        mEpochs = FieldOf(entry, "epochs")
        mBatches = FieldOf(entry, "batches")
        mDataset = FieldOf(entry, "dataset")
        mDone = Val(FieldOf(entry, "resumed_from"))
        ClearAfter mDone
        TellEpoch ""
        mSpeed = 0
        mSeconds = 0
        mDevice = FieldOf(entry, "device")
        ShowProgress 0
    Case "progress"
        ShowProgress Val(FieldOf(entry, "batch"))
        TellEpoch ", batch " & FieldOf(entry, "batch") & " of " & mBatches & ", loss " & Rounded(FieldOf(entry, "train_loss"))
    Case "epoch"
        ShowEpoch entry
        mSpeed = Val(FieldOf(entry, "images_per_second"))
        mSeconds = Val(FieldOf(entry, "seconds"))
        ShowProgress 0
        TellEpoch ""
    Case "finished", "stopped", "failed"
        If FieldOf(entry, "event") = "finished" Then mFinished = mFinished + 1
        mHeard = CDbl(Now) - 1 ' ask Python at the next look: it knows whether that was the end, and soon again
        mSilence = 1
    End Select
End Sub

' How far the run is: a fraction for the bar, and what the heads above the cells name.
Private Sub ShowProgress(ByVal batch As Double)
    Dim done As Double, epochs As Double, cells As Range
    epochs = Val(mEpochs)
    If epochs = 0 Or Val(mBatches) = 0 Then Exit Sub
    Set cells = Named(RUN_PROGRESS).Offset(1, 0)
    done = mDone + batch / Val(mBatches)
    cells.Cells(1, 1).Value = done / epochs
    cells.Cells(1, 2).Value = IIf(mDone < epochs, mDone + 1, mDone) & " of " & epochs
    cells.Cells(1, 3).Value = IIf(batch > 0, batch & " of " & mBatches, "")
    cells.Cells(1, 4).Value = IIf(mSpeed > 0, Round(mSpeed), "")
    cells.Cells(1, 5).Value = IIf(mSeconds > 0 And done < epochs, Round(mSeconds * (epochs - done)) & " s", "")
    PutText cells.Cells(1, 6), mDevice
End Sub

' A number or a plain word of a line of the log.
Private Function FieldOf(ByVal entry As String, ByVal key As String) As String
    Dim start As Long, length As Long
    start = InStr(entry, """" & key & """: ")
    If start = 0 Then Exit Function
    start = start + Len(key) + 4
    Do While InStr(",}", Mid$(entry, start + length, 1)) = 0
        length = length + 1
    Loop
    FieldOf = Replace(Mid$(entry, start, length), """", "")
End Function

Private Function Rounded(ByVal number As String) As String
    Rounded = IIf(number = "null", "not finite", Replace(Format$(Val(number), "0.00"), ",", "."))
End Function

Private Sub TellEpoch(ByVal progress As String)
    Dim epoch As Long
    epoch = mDone + 1
    If epoch > Val(mEpochs) Then epoch = Val(mEpochs)
    mStatus = BeforeStatus() & "epoch " & epoch & " of " & mEpochs & progress & " (" & mDataset & ")"
End Sub

' Of a series: how far it is, and the name of the run.
Private Function BeforeStatus() As String
    If UBound(mRuns) < 0 Then Exit Function
    BeforeStatus = mFinished & " of " & UBound(mRuns) + 1 & " runs finished; " & mRuns(mRun) & ": "
End Function

' Write an epoch into its row of the table; each column's header is the key of its number.
Private Sub ShowEpoch(ByVal entry As String)
    Dim table As Range, column As Long, text As String, cells() As Variant
    Set table = Named(RUN_TABLE)
    mDone = Val(FieldOf(entry, "epoch"))
    ReDim cells(1 To 1, 1 To table.Columns.Count)
    For column = 1 To table.Columns.Count
        text = FieldOf(entry, Replace(table.Cells(1, column).Value, " ", "_"))
        If text = "" Or text = "null" Then
            cells(1, column) = NO_NUMBER
        Else
            cells(1, column) = Val(text)
        End If
    Next column
    If mDone >= 1 And mDone <= MOST_EPOCHS Then
        table.Offset(mDone, 0).Value = cells
        ShowAccuracy FieldOf(entry, "test_accuracy") & FieldOf(entry, "validation_accuracy")
    End If
End Sub

' The accuracy of an epoch in the column of its run, for the chart.
Private Sub ShowAccuracy(ByVal text As String)
    Dim curves As Range
    Set curves = Named(SERIES_CURVES)
    If curves Is Nothing Then Exit Sub
    If mRun + 1 >= curves.Columns.Count Then Exit Sub
    curves.Cells(1, 1).Offset(mDone + 1, 0).Value = mDone
    If text <> "" And text <> "null" Then curves.Cells(1, 1).Offset(mDone + 1, mRun + 1).Value = Val(text)
End Sub

' The heads of the curves.
Private Sub ShowNames()
    Dim curves As Range, number As Long
    Set curves = Named(SERIES_CURVES)
    If curves Is Nothing Then Exit Sub
    EmptyBelow curves
    PutText curves.Cells(1, 1).Offset(1, 0), "epoch"
    If UBound(mRuns) < 0 Then PutText curves.Cells(1, 1).Offset(1, 1), ONE_CURVE
    For number = 0 To UBound(mRuns)
        If number + 1 < curves.Columns.Count Then PutText curves.Cells(1, 1).Offset(1, number + 1), mRuns(number)
    Next number
End Sub

' Empty the table's rows behind an epoch.
Private Sub ClearAfter(ByVal epoch As Long)
    EmptyBelow Named(RUN_TABLE).Offset(epoch, 0)
End Sub
