/* The EL1 vector table of the samples; see vector-table.h. */
#include "vector-table.h"

        define_vectors exception_vectors, 1, exception_entry
