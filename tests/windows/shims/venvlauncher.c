/* The python.exe that `python -m venv` puts into an environment: starts the one that pyvenv.cfg names, and waits. */
#include <stdio.h>
#include <windows.h>

#define LONGEST 4096

static BOOL read_home(const wchar_t *config, wchar_t *home)
{
    char line[LONGEST];
    FILE *file = _wfopen(config, L"rb");
    BOOL found = FALSE;
    while (file && !found && fgets(line, LONGEST, file)) {
        char *value = strchr(line, '=');
        if (strncmp(line, "home", 4) || !value)
            continue;
        line[strcspn(line, "\r\n")] = 0;
        found = MultiByteToWideChar(CP_UTF8, 0, value + 1 + strspn(value + 1, " "), -1, home, LONGEST) > 0;
    }
    if (file)
        fclose(file);
    return found;
}

/* Whoever kills the launcher kills the interpreter too, as Python's own launcher has it. */
static void end_together(HANDLE process)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {0};
    HANDLE job = CreateJobObjectW(NULL, NULL);
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK;
    SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits);
    AssignProcessToJobObject(job, process);
}

int wmain(void)
{
    wchar_t launcher[LONGEST], config[LONGEST], home[LONGEST], program[2 * LONGEST];
    GetModuleFileNameW(NULL, launcher, LONGEST);
    wcscpy(config, launcher);
    *wcsrchr(config, L'\\') = 0;
    wcscpy(wcsrchr(config, L'\\'), L"\\pyvenv.cfg");
    if (!read_home(config, home))
        return 106;
    swprintf(program, 2 * LONGEST, L"%ls%ls", home, wcsrchr(launcher, L'\\'));
    SetEnvironmentVariableW(L"__PYVENV_LAUNCHER__", launcher);

    STARTUPINFOW start;
    PROCESS_INFORMATION process;
    GetStartupInfoW(&start);
    if (!CreateProcessW(program, GetCommandLineW(), NULL, NULL, TRUE, 0, NULL, NULL, &start, &process))
        return 101;
    end_together(process.hProcess);
    WaitForSingleObject(process.hProcess, INFINITE);
    DWORD code;
    GetExitCodeProcess(process.hProcess, &code);
    return code;
}
