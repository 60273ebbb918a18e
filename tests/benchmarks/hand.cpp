// The autapse rule by hand: R networks of N neurons, 2 inputs and 2 outputs, W learns at every step.
//
//   g++ -O3 -march=native -ffast-math -DN=32 [-DLANES] hand.cpp -o hand
//   ./hand FOLDER R K STEPS PRESENTATIONS      presentation p shows trajectory p modulo K
//
// Reads W, U, V, B, x, y, eta and tau (.bin, float64, C order; x and y by trajectory, step, network, channel) from
// FOLDER, writes W.out (R, N, N) and mse.out (PRESENTATIONS, R), and prints the seconds of its loop over the steps.
// The update of a step and the drive of the next are one pass over W. The presynaptic index lies innermost in memory,
// or with LANES the index of the network.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

constexpr int M = 2, C = 2;  // inputs, outputs

static double *room(size_t size) { return (double *)std::aligned_alloc(64, (size * 8 + 63) / 64 * 64); }

// An array of `of` blocks of R networks of `size` numbers, in the order of the layout: (of, R, size) or (of, size, R).
static double *read(const std::string &name, int of, int R, int size) {
    const size_t all = size_t(of) * R * size;
    double *given = room(all), *values = room(all);
    std::FILE *file = std::fopen(name.c_str(), "rb");
    if (!file || std::fread(given, 8, all, file) != all) std::exit(1);
    std::fclose(file);
    for (size_t b = 0; b < size_t(of); b++)
        for (size_t r = 0; r < size_t(R); r++)
            for (size_t k = 0; k < size_t(size); k++)
#ifdef LANES
                values[(b * size + k) * R + r] = given[(b * R + r) * size + k];
#else
                values[(b * R + r) * size + k] = given[(b * R + r) * size + k];
#endif
    std::free(given);
    return values;
}

static void write(const std::string &name, const double *values, size_t size) {
    std::FILE *file = std::fopen(name.c_str(), "wb");
    if (!file || std::fwrite(values, 8, size, file) != size || std::fclose(file)) std::exit(1);
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
        for (size_t r = 0; r < R; r++)
#pragma GCC unroll 8
            for (int i = 0; i < N; i++) {
                double sum = 0, change = eta[r] * feedback[i * R + r];
#pragma GCC unroll 8
                for (int j = 0; j < N; j++) {
                    const double w = W[(i * N + j) * R + r] - change * k[j * R + r];
                    W[(i * N + j) * R + r] = w;
                    sum += w * o[j * R + r];
                }
                drive[i * R + r] = sum;
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
                o[i * R + r] = 1 / (1 + std::exp(-a));
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
            for (int i = 0; i < N; i++) {
                double *__restrict w = W + (size_t(r) * N + i) * N;
                double sum = 0;
                const double change = eta[r] * feedback[r * N + i];
                for (int j = 0; j < N; j++) {
                    w[j] -= change * k[j];
                    sum += w[j] * o[j];
                }
                drive[r * N + i] = sum;
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
                o[i] = 1 / (1 + std::exp(-a));
            }
            for (int i = 0; i < N; i++) e0 += v[i] * o[i], e1 += v[N + i] * o[i];
            mse[r] += e0 * e0 + e1 * e1;
            for (int i = 0; i < N; i++) feedback[i] = b[2 * i] * e0 + b[2 * i + 1] * e1;
        }
    }
#endif
};

int main(int, char **argv) {
#if defined(__SSE__)
    _mm_setcsr(_mm_getcsr() | 0x8040);  // denormals are zero
#endif
    const std::string folder = std::string(argv[1]) + "/";
    const int R = std::atoi(argv[2]), K = std::atoi(argv[3]), T = std::atoi(argv[4]), P = std::atoi(argv[5]);
    Networks all;
    all.R = R;
    all.W = read(folder + "W.bin", 1, R, N * N), all.U = read(folder + "U.bin", 1, R, N * M);
    all.V = read(folder + "V.bin", 1, R, C * N), all.B = read(folder + "B.bin", 1, R, N * C);
    all.eta = read(folder + "eta.bin", 1, R, 1), all.rate = read(folder + "tau.bin", 1, R, 1);
    for (int r = 0; r < R; r++) all.rate[r] = 1 / all.rate[r];
    const double *x = read(folder + "x.bin", K * T, R, M), *y = read(folder + "y.bin", K * T, R, C);
    all.o = room(R * N), all.k = room(R * N), all.drive = room(R * N), all.feedback = room(R * N);
    double *mse = room(size_t(P) * R);
    for (size_t p = 0; p < size_t(P) * R; p++) mse[p] = 0;

    const auto start = std::chrono::steady_clock::now();
    for (int p = 0; p < P; p++)
        for (int t = 0; t < T; t++) {
            if (p || t) all.pass();  // the last update of a trajectory, too
            if (t == 0)
                for (int i = 0; i < R * N; i++) all.o[i] = all.k[i] = all.drive[i] = 0;
            const size_t row = (size_t(p % K) * T + t) * R;
            all.step(x + row * M, y + row * C, mse + size_t(p) * R);
        }
    all.pass();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

    for (int p = 0; p < P * R; p++) mse[p] /= T * C;
    double *W = room(size_t(R) * N * N);
    for (size_t r = 0; r < size_t(R); r++)
        for (size_t n = 0; n < size_t(N) * N; n++)
#ifdef LANES
            W[r * N * N + n] = all.W[n * R + r];
#else
            W[r * N * N + n] = all.W[r * N * N + n];
#endif
    write(folder + "W.out", W, size_t(R) * N * N), write(folder + "mse.out", mse, size_t(P) * R);
    std::printf("%.9g\n", seconds);
}
