/* python3.dll, for packages of any Python 3: panda3d ships none. All its names are passed on to python311.dll. */
int shim_python3;
