/* The Statistical Profiling Extension (Arm ARM, FEAT_SPE). */
#ifndef SPE_H
#define SPE_H

#include <stdbool.h>
#include <stdint.h>

#define SPE_BUFFER_BYTES 4096

extern uint8_t spe_buffer[SPE_BUFFER_BYTES];

/** ID_AA64DFR0_EL1.PMSVer. */
bool spe_exists(void);

/** Samples about one in 1024 instructions of EL1 into the empty buffer. */
void spe_start(void);

/** PMBSR_EL1.S: the buffer has no room for another record, and sampling has stopped. */
bool spe_is_full(void);

/** Stops sampling and waits for the records. @return the address behind the last one */
uint64_t spe_stop(void);

#endif
