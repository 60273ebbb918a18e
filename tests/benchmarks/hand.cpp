// The autapse rule by hand: R networks of N neurons, 2 inputs and 2 outputs, W learns at every step.
//
//   g++ -O3 -march=native -ffast-math -DN=32 [-DLANES] [-DSTRONG] hand.cpp -o hand
//   ./hand FOLDER R K STEPS PRESENTATIONS [TILE]    presentation p shows trajectory p modulo K
//
// Reads W, U, V, B, x, y, eta and tau (.bin, float64, C order; x and y by trajectory, step, network, channel) from
// FOLDER, writes W.out (R, N, N) and mse.out (PRESENTATIONS, R), and prints the seconds of its loop over the steps.
// The update of a step and the drive of the next are one pass over W. The presynaptic index lies innermost in memory,
// or with LANES the index of the network. TILE networks, by default all, go through all steps before the next ones do.
// With STRONG the drive is summed over W as it was before its update, and corrected by the change, so that the sum need
// not wait for the error; and exp is a polynomial (Taylor's of degree 12, after taking out powers of 2), inlined.
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

constexpr int M = 2, C = 2;  // inputs, outputs

static double *room(size_t size) { return (double *)std::aligned_alloc(64, (size * 8 + 63) / 64 * 64); }

// Where number k of network r lies in block b of an array of `of` blocks: tile by tile, each with all of its blocks.
static size_t place(int of, int G, int size, size_t b, size_t r, size_t k) {
    const size_t block = (r / G * of + b) * size * G, g = r % G;
#ifdef LANES
    return block + k * G + g;
#else
    return block + g * size + k;
#endif
}

static double *read(const std::string &name, int of, int R, int G, int size) {
    const size_t all = size_t(of) * R * size;
    double *given = room(all), *values = room(all);
    std::FILE *file = std::fopen(name.c_str(), "rb");
    if (!file || std::fread(given, 8, all, file) != all) std::exit(1);
    std::fclose(file);
    for (size_t b = 0; b < size_t(of); b++)
        for (size_t r = 0; r < size_t(R); r++)
            for (size_t k = 0; k < size_t(size); k++)
                values[place(of, G, size, b, r, k)] = given[(b * R + r) * size + k];
    std::free(given);
    return values;
}

static void write(const std::string &name, const double *values, size_t size) {
    std::FILE *file = std::fopen(name.c_str(), "wb");
    if (!file || std::fwrite(values, 8, size, file) != size || std::fclose(file)) std::exit(1);
}

#ifndef STRONG
#define STRONG false
#endif

static inline double exponential(double a) {
    if (!STRONG) return std::exp(a);
    a = a < -700 ? -700 : a > 700 ? 700 : a;
    const double whole = std::rint(a * 1.4426950408889634);
    const double r = a - whole * 0.693147180369123816490 - whole * 1.90821492927058770002e-10;
    const double r2 = r * r, r4 = r2 * r2, r8 = r4 * r4;
    const double low = (1 + r) + r2 * (1 / 2. + r / 6) + r4 * ((1 / 24. + r / 120) + r2 * (1 / 720. + r / 5040));
    const double high = (1 / 40320. + r / 362880) + r2 * (1 / 3628800. + r / 39916800) + r4 * (1 / 479001600.);
    double power;
    const int64_t bits = (int64_t(whole) + 1023) << 52;
    std::memcpy(&power, &bits, 8);
    return (low + r8 * high) * power;
}

struct Networks {
    int R;
    double *W, *U, *V, *B, *eta, *rate, *o, *k, *drive, *feedback;

#ifdef LANES
    // drive = W o after W -= eta feedback k^T
    void pass() {
        const double *__restrict o = this->o, *__restrict k = this->k, *__restrict feedback = this->feedback;
        double *__restrict W = this->W, *__restrict drive = this->drive;
        const size_t R = this->R;
#pragma GCC ivdep
        for (size_t r = 0; r < R; r++) {
            double along = 0;
            if (STRONG)
#pragma GCC unroll 8
                for (int j = 0; j < N; j++) along += k[j * R + r] * o[j * R + r];
#pragma GCC unroll 8
            for (int i = 0; i < N; i++) {
                double sum = 0, change = eta[r] * feedback[i * R + r];
#pragma GCC unroll 8
                for (int j = 0; j < N; j++) {
                    const double before = W[(i * N + j) * R + r], w = before - change * k[j * R + r];
                    W[(i * N + j) * R + r] = w;
                    sum += (STRONG ? before : w) * o[j * R + r];
                }
                drive[i * R + r] = sum - change * along;
            }
        }
    }

    void step(const double *__restrict x, const double *__restrict y, double *__restrict mse) {
        double *__restrict o = this->o, *__restrict k = this->k, *__restrict feedback = this->feedback;
        const double *__restrict drive = this->drive;
        const size_t R = this->R;
#pragma GCC ivdep
        for (size_t r = 0; r < R; r++) {
            double e0 = -y[r], e1 = -y[R + r];
#pragma GCC unroll 8
            for (int i = 0; i < N; i++) {
                const double a = drive[i * R + r] + U[2 * i * R + r] * x[r] + U[(2 * i + 1) * R + r] * x[R + r];
                k[i * R + r] += (o[i * R + r] - k[i * R + r]) * rate[r];
                o[i * R + r] = 1 / (1 + exponential(-a));
                e0 += V[i * R + r] * o[i * R + r], e1 += V[(N + i) * R + r] * o[i * R + r];
            }
            mse[r] += e0 * e0 + e1 * e1;
#pragma GCC unroll 8
            for (int i = 0; i < N; i++) feedback[i * R + r] = B[2 * i * R + r] * e0 + B[(2 * i + 1) * R + r] * e1;
        }
    }
#else
    void pass() {
        for (int r = 0; r < R; r++) {
            const double *__restrict o = this->o + r * N, *__restrict k = this->k + r * N;
            double along = 0;
            if (STRONG)
                for (int j = 0; j < N; j++) along += k[j] * o[j];
            for (int i = 0; i < N; i++) {
                double *__restrict w = W + (size_t(r) * N + i) * N;
                double sum = 0;
                const double change = eta[r] * feedback[r * N + i];
                for (int j = 0; j < N; j++) {
                    const double before = w[j];
                    w[j] = before - change * k[j];
                    sum += (STRONG ? before : w[j]) * o[j];
                }
                drive[r * N + i] = sum - change * along;
            }
        }
    }

    void step(const double *x, const double *y, double *mse) {
        for (int r = 0; r < R; r++) {
            double *__restrict o = this->o + r * N, *__restrict k = this->k + r * N;
            double *__restrict feedback = this->feedback + r * N;
            const double *__restrict drive = this->drive + r * N, *u = U + r * 2 * N, *v = V + r * 2 * N;
            const double *b = B + r * 2 * N, x0 = x[2 * r], x1 = x[2 * r + 1], per_tau = rate[r];
            double e0 = -y[2 * r], e1 = -y[2 * r + 1];
            for (int i = 0; i < N; i++) {
                const double a = drive[i] + u[2 * i] * x0 + u[2 * i + 1] * x1;
                k[i] += (o[i] - k[i]) * per_tau;
                o[i] = 1 / (1 + exponential(-a));
            }
            for (int i = 0; i < N; i++) e0 += v[i] * o[i], e1 += v[N + i] * o[i];
            mse[r] += e0 * e0 + e1 * e1;
            for (int i = 0; i < N; i++) feedback[i] = b[2 * i] * e0 + b[2 * i + 1] * e1;
        }
    }
#endif
};

int main(int argc, char **argv) {
#if defined(__SSE__)
    _mm_setcsr(_mm_getcsr() | 0x8040);  // denormals are zero
#endif
    const std::string folder = std::string(argv[1]) + "/";
    const int R = std::atoi(argv[2]), K = std::atoi(argv[3]), T = std::atoi(argv[4]), P = std::atoi(argv[5]);
    const int G = argc > 6 ? std::atoi(argv[6]) : R;
    double *W = read(folder + "W.bin", 1, R, G, N * N), *U = read(folder + "U.bin", 1, R, G, N * M);
    double *V = read(folder + "V.bin", 1, R, G, C * N), *B = read(folder + "B.bin", 1, R, G, N * C);
    double *eta = read(folder + "eta.bin", 1, R, G, 1), *rate = read(folder + "tau.bin", 1, R, G, 1);
    for (int r = 0; r < R; r++) rate[r] = 1 / rate[r];
    const double *x = read(folder + "x.bin", K * T, R, G, M), *y = read(folder + "y.bin", K * T, R, G, C);
    double *mse = room(size_t(P) * R);
    for (size_t p = 0; p < size_t(P) * R; p++) mse[p] = 0;
    double *o = room(G * N), *k = room(G * N), *drive = room(G * N), *feedback = room(G * N);

    const auto start = std::chrono::steady_clock::now();
    for (size_t first = 0; first < size_t(R); first += G) {
        Networks some{G, W + first * N * N, U + first * N * M, V + first * C * N, B + first * N * C,
                      eta + first, rate + first, o, k, drive, feedback};
        const double *mine = x + first * K * T * M, *wanted = y + first * K * T * C;
        for (int p = 0; p < P; p++)
            for (int t = 0; t < T; t++) {
                if (p || t) some.pass();  // the last update of a trajectory, too
                if (t == 0)
                    for (int i = 0; i < G * N; i++) o[i] = k[i] = drive[i] = 0;
                const size_t row = (size_t(p % K) * T + t) * G;
                some.step(mine + row * M, wanted + row * C, mse + size_t(p) * R + first);
            }
        some.pass();
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

    for (int p = 0; p < P * R; p++) mse[p] /= T * C;
    double *found = room(size_t(R) * N * N);
    for (size_t r = 0; r < size_t(R); r++)
        for (size_t n = 0; n < size_t(N) * N; n++) found[r * N * N + n] = W[place(1, G, N * N, 0, r, n)];
    write(folder + "W.out", found, size_t(R) * N * N), write(folder + "mse.out", mse, size_t(P) * R);
    std::printf("%.9g\n", seconds);
}
