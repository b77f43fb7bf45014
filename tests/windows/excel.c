/* A stand-in for EXCEL.EXE: writes what it is to open into opened.txt beside itself, in UTF-8. */
#include <stdio.h>
#include <windows.h>

int wmain(int count, wchar_t **words)
{
    wchar_t path[4096];
    char text[8192];
    GetModuleFileNameW(NULL, path, 4096);
    wcscpy(wcsrchr(path, L'\\'), L"\\opened.txt");
    WideCharToMultiByte(CP_UTF8, 0, count > 1 ? words[1] : L"", -1, text, sizeof text, NULL, NULL);
    FILE *file = _wfopen(path, L"wb");
    fputs(text, file);
    return fclose(file);
}
