/* python.exe: panda3d's wheel carries python311.dll and no program that starts it. */
#include <windows.h>

int wmain(int count, wchar_t **words)
{
    HMODULE python = LoadLibraryW(L"python311.dll");
    if (!python)
        return 3;
    int (*run)(int, wchar_t **) = (void *)GetProcAddress(python, "Py_Main");
    return run(count, words);
}
