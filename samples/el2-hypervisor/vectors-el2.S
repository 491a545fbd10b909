/* Two vector tables: the hypervisor's at EL2 and its guest's at EL1. */
#include "vector-table.h"

        define_vectors exception_vectors, 2, exception_entry
        define_vectors guest_vectors, 1, guest_exception
