/* ucrtbase.dll, the C runtime, as far as Wine 8's lacks something; every other name is passed on to Wine's own, which
   lies beside as ucrtwine.dll. EXPORT puts a function into the DLL under the runtime's own name. */
#include <complex.h>
#include <errno.h>
#include <math.h>
#include <windows.h>

#define EXPORT(name) __asm__(".section .drectve\n\t.ascii \" -export:" #name "=shim_" #name "\"\n\t.text");
#define ONE(result, name, suffix, type, real) EXPORT(name##suffix) result shim_##name##suffix(type z) { return name##real(z); }
#define COMPLEX(name) \
    ONE(double complex, name, , double complex, ) \
    ONE(double complex, name, l, double complex, ) \
    ONE(float complex, name, f, float complex, f)
#define REAL(name) \
    ONE(double, name, , double complex, ) \
    ONE(double, name, l, double complex, ) \
    ONE(float, name, f, float complex, f)

/* Complex functions and nan: mingw's. */
COMPLEX(cacos) COMPLEX(cacosh) COMPLEX(casin) COMPLEX(casinh) COMPLEX(catan) COMPLEX(catanh)
COMPLEX(ccos) COMPLEX(ccosh) COMPLEX(csin) COMPLEX(csinh) COMPLEX(ctan) COMPLEX(ctanh)
COMPLEX(cexp) COMPLEX(clog) COMPLEX(csqrt) COMPLEX(conj) COMPLEX(cproj)
REAL(cabs) REAL(carg) REAL(creal) REAL(cimag)

EXPORT(cpow) double complex shim_cpow(double complex z, double complex w) { return cpow(z, w); }
EXPORT(cpowl) double complex shim_cpowl(double complex z, double complex w) { return cpow(z, w); }
EXPORT(cpowf) float complex shim_cpowf(float complex z, float complex w) { return cpowf(z, w); }
EXPORT(nan) double shim_nan(const char *tag) { (void)tag; return NAN; }
EXPORT(nanl) double shim_nanl(const char *tag) { (void)tag; return NAN; }
EXPORT(nanf) float shim_nanf(const char *tag) { (void)tag; return NAN; }

/* Where Wine does not get a lock it leaves errno as it was. */
EXPORT(_locking) int shim__locking(int file, int mode, long count)
{
    HMODULE wine = LoadLibraryW(L"ucrtwine.dll");
    int (*locking)(int, int, long) = (void *)GetProcAddress(wine, "_locking");
    int *(*error)(void) = (void *)GetProcAddress(wine, "_errno");
    int failed = locking(file, mode, count);
    if (failed && !*error())
        *error() = EACCES;
    return failed;
}
