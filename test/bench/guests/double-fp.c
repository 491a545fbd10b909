// The n-body step in double precision.
#include <stdint.h>

enum { BODIES = 5 };
struct body { double x, y, z, vx, vy, vz, mass; };
static struct body bodies[BODIES] = {
  {0, 0, 0, 0, 0, 0, 39.47841760435743},
  {4.84143144246472082945e+00, -1.16032004402742839362e+00, -1.03622044471123109494e-01,
   6.06326392995832e-01, 2.81198684491626e+00, -2.52183616598876e-02, 3.76936749096e-02},
  {8.34336671824457987790e+00, 4.12479856412430479268e+00, -4.03523417114321381195e-01,
   -1.01077434617879e+00, 1.82566237123041e+00, 8.41576137658415e-03, 1.12863261319e-02},
  {1.28943695621391310164e+01, -1.51111514016986312525e+01, -2.23307578892655734398e-01,
   1.08279100644153e+00, 8.68713018169608e-01, -1.08326374013636e-02, 1.72372405705e-03},
  {1.53796971148509165498e+01, -2.59193146099879641146e+01, 1.79258772950371181757e-01,
   9.79090732243898e-01, 5.94698998647676e-01, -3.47559555078104e-02, 2.03368686992e-03},
};

uint64_t work(uint32_t iterations) {
  const double dt = 0.01;
  for (uint32_t n = 0; n < iterations; n++) {
    for (int i = 0; i < BODIES; i++)
      for (int j = i + 1; j < BODIES; j++) {
        struct body *p = &bodies[i], *q = &bodies[j];
        double dx = p->x - q->x, dy = p->y - q->y, dz = p->z - q->z;
        double d2 = dx * dx + dy * dy + dz * dz;
        double magnitude = dt / (d2 * __builtin_sqrt(d2));
        p->vx -= dx * q->mass * magnitude;
        p->vy -= dy * q->mass * magnitude;
        p->vz -= dz * q->mass * magnitude;
        q->vx += dx * p->mass * magnitude;
        q->vy += dy * p->mass * magnitude;
        q->vz += dz * p->mass * magnitude;
      }
    for (int i = 0; i < BODIES; i++) {
      bodies[i].x += dt * bodies[i].vx;
      bodies[i].y += dt * bodies[i].vy;
      bodies[i].z += dt * bodies[i].vz;
    }
  }
  union { double d; uint64_t u; } sum = {.d = 0};
  for (int i = 0; i < BODIES; i++) sum.d += bodies[i].x + bodies[i].y + bodies[i].z;
  return sum.u;
}
