/*
 * A planet on its way and an integral, built with gcc -O2: doubles, structs of doubles in V registers, loops whose
 * counters the compiler replaces, recursion that carries a function pointer.
 */
struct vector {
  double x, y;
};

struct body {
  struct vector position;
  struct vector velocity;
  float mass;
};

typedef double (*function)(double);

volatile double step = 0.125;
volatile int steps = 5;
static double radii[8];
static unsigned evaluations;

static inline struct vector add(struct vector a, struct vector b) {
  struct vector sum = { a.x + b.x, a.y + b.y };
  return sum;
}

static inline struct vector scale(struct vector v, double factor) {
  struct vector scaled = { v.x * factor, v.y * factor };
  return scaled;
}

static double __attribute__((noinline)) square_root(double value) {
  double guess = value > 1.0 ? value / 2 : 1.0;
  for (int round = 0; round < 20; round++) {
    double better = (guess + value / guess) / 2;
    double change = better - guess;
    guess = better;
    if (change < 1e-12 && change > -1e-12) break;
  }
  return guess;
}

static double length(struct vector v) {
  double square = v.x * v.x + v.y * v.y;
  return square_root(square);
}

static struct vector __attribute__((noinline)) gravity(struct vector position, float mass) {
  double distance = length(position);
  double strength = -(double)mass / (distance * distance * distance);
  return scale(position, strength);
}

static struct body __attribute__((noinline)) advance(struct body body, double dt) {
  struct vector pull = gravity(body.position, body.mass);
  body.velocity = add(body.velocity, scale(pull, dt));
  body.position = add(body.position, scale(body.velocity, dt));
  return body;
}

static double __attribute__((noinline)) parabola(double x) {
  evaluations++;
  return x * x;
}

static double __attribute__((noinline)) bump(double x) {
  double below = 1.0 + 25.0 * x * x;
  evaluations++;
  return 1.0 / below;
}

static double panel(function f, double low, double high) {
  double middle = (low + high) / 2;
  return (high - low) / 6 * (f(low) + 4 * f(middle) + f(high));
}

static double __attribute__((noinline))
integrate(function f, double low, double high, double tolerance, int depth) {
  double middle = (low + high) / 2;
  double whole = panel(f, low, high);
  double left = panel(f, low, middle);
  double right = panel(f, middle, high);
  double error = left + right - whole;
  if (depth == 0 || (error < tolerance && error > -tolerance)) return left + right;
  return integrate(f, low, middle, tolerance / 2, depth - 1) +
         integrate(f, middle, high, tolerance / 2, depth - 1);
}

static double __attribute__((noinline)) mean(const double *values, int count) {
  double sum = 0;
  for (int i = 0; i < count; i++) {
    double value = values[i];
    sum += value;
  }
  return sum / count;
}

static void __attribute__((noinline)) mirror(double *values, int count) {
  for (int low = 0, high = count - 1; low < high; low++, high--) {
    double kept = values[low];
    values[low] = values[high];
    values[high] = kept;
  }
}

int main(void) {
  struct body planet = { { 1.0, 0.0 }, { 0.0, 1.0 }, 1.0f };
  double dt = step;
  int count = steps;
  for (int i = 0; i < count; i++) {
    planet = advance(planet, dt);
    radii[i] = length(planet.position);
  }
  mirror(radii, count);
  double average = mean(radii, count);
  double third = integrate(parabola, 0.0, 1.0, 1e-3, 3);
  double bell = integrate(bump, -1.0, 1.0, 0.02, 3);
  int wrong = 0;
  if (average < 0.5 || average > 1.5) wrong |= 1;
  if (third < 0.333 || third > 0.334) wrong |= 2;
  if (bell < 0.5 || bell > 0.6) wrong |= 4;
  return wrong;
}
