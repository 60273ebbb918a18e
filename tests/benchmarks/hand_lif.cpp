// LIF neurons and the autapse rule by hand: R networks of N neurons, 2 inputs and 2 outputs, W and V learn at every step.
//
//   g++ -O3 -march=native -ffast-math -DN=100 hand_lif.cpp -o hand_lif
//   ./hand_lif FOLDER R K STEPS PRESENTATIONS      presentation p shows trajectory p modulo K
//
// Reads W, U, V, B, x, y and the parameters of each network (.bin, float64, C order; x and y by trajectory, step,
// network, channel; times in steps) from FOLDER, writes W.out (R, N, N), V.out (R, 2, N), mse.out (PRESENTATIONS, R) and
// total.out (R, N), the spikes, and prints the seconds of its loop over the steps. The update of a step and the drive of
// the next are one pass over W, whose presynaptic index lies innermost in memory.
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

static double *read(const std::string &name, size_t size) {
    double *values = room(size);
    std::FILE *file = std::fopen(name.c_str(), "rb");
    if (!file || std::fread(values, 8, size, file) != size) std::exit(1);
    std::fclose(file);
    return values;
}

static void write(const std::string &name, const double *values, size_t size) {
    std::FILE *file = std::fopen(name.c_str(), "wb");
    if (!file || std::fwrite(values, 8, size, file) != size || std::fclose(file)) std::exit(1);
}

struct Network {
    double *W, *U, *V, *B;
    double eta, eta_out, v_th, reset;           // reset: what a spike takes from v
    double keep_v, keep_o, keep_k;              // what is left of v, o and k after a step
    double t_ref;
    double *v = room(N), *o = room(N), *k = room(N), *z = room(N), *drive = room(N), *feedback = room(N);
    double *free_from = room(N), *total = room(N);  // the step from which a neuron may spike again; all its spikes

    void begin() {
        for (int i = 0; i < N; i++) v[i] = o[i] = k[i] = z[i] = drive[i] = free_from[i] = 0;
    }

    // drive = W z after W -= eta feedback k^T
    void pass() {
        const double *__restrict k = this->k, *__restrict z = this->z, *__restrict feedback = this->feedback;
        double *__restrict drive = this->drive;
        for (int i = 0; i < N; i++) {
            double *__restrict w = W + size_t(i) * N;
            const double change = eta * feedback[i];
            double sum = 0;
#pragma GCC ivdep
            for (int j = 0; j < N; j++) {
                w[j] -= change * k[j];
                sum += w[j] * z[j];
            }
            drive[i] = sum;
        }
    }

    double step(const double *x, const double *y, double t) {
        double *__restrict V0 = V, *__restrict V1 = V + N, *__restrict feedback = this->feedback;
        double *__restrict v = this->v, *__restrict o = this->o, *__restrict k = this->k, *__restrict z = this->z;
        double *__restrict free_from = this->free_from, *__restrict total = this->total;
        const double *__restrict drive = this->drive, *__restrict U = this->U, *__restrict B = this->B;
        const double v_th = this->v_th, reset = this->reset, t_ref = this->t_ref;
        const double keep_v = this->keep_v, keep_o = this->keep_o, keep_k = this->keep_k;
        const double x0 = x[0], x1 = x[1];
        double e0 = -y[0], e1 = -y[1];
#pragma GCC ivdep
        for (int i = 0; i < N; i++) {
            const double current = drive[i] + U[2 * i] * x0 + U[2 * i + 1] * x1;
            k[i] = o[i] + (k[i] - o[i]) * keep_k;
            const double u = current + (v[i] - current) * keep_v;
            const double one = (u >= v_th ? 1.0 : 0.0) * (t >= free_from[i] ? 1.0 : 0.0);
            z[i] = one, total[i] += one;
            v[i] = u - one * reset;
            o[i] = o[i] * keep_o + one * (1 - keep_o);
            free_from[i] += one * (t + t_ref - free_from[i]);
        }
        for (int i = 0; i < N; i++) e0 += V0[i] * o[i], e1 += V1[i] * o[i];
        const double c0 = eta_out * e0, c1 = eta_out * e1;
#pragma GCC ivdep
        for (int i = 0; i < N; i++) {
            feedback[i] = B[2 * i] * e0 + B[2 * i + 1] * e1;
            V0[i] -= c0 * o[i], V1[i] -= c1 * o[i];
        }
        return e0 * e0 + e1 * e1;
    }
};

int main(int, char **argv) {
#if defined(__SSE__)
    _mm_setcsr(_mm_getcsr() | 0x8040);  // denormals are zero
#endif
    const std::string folder = std::string(argv[1]) + "/";
    const int R = std::atoi(argv[2]), K = std::atoi(argv[3]), T = std::atoi(argv[4]), P = std::atoi(argv[5]);
    double *W = read(folder + "W.bin", size_t(R) * N * N), *U = read(folder + "U.bin", size_t(R) * N * M);
    double *V = read(folder + "V.bin", size_t(R) * C * N), *B = read(folder + "B.bin", size_t(R) * N * C);
    const auto parameter = [&](const char *name) { return read(folder + name + ".bin", R); };
    const double *eta = parameter("eta"), *eta_out = parameter("eta_out"), *v_th = parameter("v_th");
    const double *tau = parameter("tau"), *tau_m = parameter("tau_m"), *tau_out = parameter("tau_out");
    const double *t_ref = parameter("t_ref");
    Network *all = new Network[R];
    for (int r = 0; r < R; r++) {
        Network &one = all[r];
        for (int i = 0; i < N; i++) one.total[i] = 0;
        one.W = W + size_t(r) * N * N, one.U = U + r * N * M, one.V = V + r * C * N, one.B = B + r * N * C;
        one.eta = eta[r], one.eta_out = eta_out[r], one.v_th = v_th[r], one.t_ref = t_ref[r];
        one.reset = v_th[r] * std::exp(1 / tau_m[r]);
        one.keep_v = std::exp(-1 / tau_m[r]), one.keep_o = std::exp(-1 / tau_out[r]);
        one.keep_k = std::exp(-1 / tau[r]);
    }
    const double *x = read(folder + "x.bin", size_t(K) * T * R * M), *y = read(folder + "y.bin", size_t(K) * T * R * C);
    double *mse = room(size_t(P) * R), *total = room(size_t(R) * N);
    for (size_t p = 0; p < size_t(P) * R; p++) mse[p] = 0;

    const auto start = std::chrono::steady_clock::now();
    for (int r = 0; r < R; r++)  // one network after the other: its weights stay in the cache
        for (int p = 0; p < P; p++) {
            if (p) all[r].pass();  // the last update of a trajectory, too
            all[r].begin();
            for (int t = 0; t < T; t++) {
                if (t) all[r].pass();
                const size_t row = (size_t(p % K) * T + t) * R + r;
                mse[size_t(p) * R + r] += all[r].step(x + row * M, y + row * C, t);
            }
        }
    for (int r = 0; r < R; r++) all[r].pass();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

    for (int p = 0; p < P * R; p++) mse[p] /= T * C;
    for (int r = 0; r < R; r++)
        for (int i = 0; i < N; i++) total[r * N + i] = all[r].total[i];
    write(folder + "W.out", W, size_t(R) * N * N), write(folder + "V.out", V, size_t(R) * C * N);
    write(folder + "mse.out", mse, size_t(P) * R), write(folder + "total.out", total, size_t(R) * N);
    std::printf("%.9g\n", seconds);
}
