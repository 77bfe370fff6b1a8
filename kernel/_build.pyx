"""Facts about the compiled kernel that is loaded."""

cdef extern from *:
    """
    #if defined(__clang__)
      #define PYSCALE_COMPILER "clang " __clang_version__
    #elif defined(__GNUC__)
      #define PYSCALE_COMPILER "gcc " __VERSION__
    #elif defined(_MSC_VER)
      #define PYSCALE_COMPILER "msvc"
    #else
      #define PYSCALE_COMPILER "unknown"
    #endif
    """
    const char* PYSCALE_COMPILER
    const int PYSCALE_DEBUG


def build_info():
    """Return the build mode, the compiler and the vector path of the loaded kernel.

    Returns
    -------
    dict of str
        ``mode`` is ``"release"`` or ``"debug"``; ``compiler`` names compiler and version;
        ``simd`` is the vector path in use, ``"avx2"`` or ``"baseline"``.

    Examples
    --------
    >>> build_info()["mode"] in {"release", "debug"}
    True
    """
    from ._fit import simd_path

    return {
        "mode": "debug" if PYSCALE_DEBUG else "release",
        "compiler": PYSCALE_COMPILER.decode("ascii"),
        "simd": simd_path(),
    }
