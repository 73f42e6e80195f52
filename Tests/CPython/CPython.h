/* The Python interpreter as a library, for the test that runs it inside a Swift process. */
/* Before Python.h asks for GNU extensions: other modules saw this header without them, and must agree. */
#include <sys/select.h>

#define PY_SSIZE_T_CLEAN
#include <Python.h>
