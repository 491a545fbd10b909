/* The EL2 vector table; EL1 has none, since nothing it does is an exception to EL1. */
#include "vector-table.h"

        define_vectors exception_vectors, 2, exception_entry
