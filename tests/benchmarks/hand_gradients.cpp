// Back-propagation through time by hand: networks of N tanh neurons, 2 inputs and 2 outputs, W learns after each batch.
//
//   g++ -O3 -march=native -ffast-math -DN=32 hand_gradients.cpp -o hand
//   ./hand FOLDER R K STEPS                   K trajectories of each of R networks, in batches of L
//
// Reads W, U, V, x, y and eta (.bin, float64, C order; x and y by network, trajectory, step, channel) from FOLDER, writes
// W.out (R, N, N), and prints the seconds. The L trajectories of a batch lie side by side, innermost in memory; products
// are made in blocks of rows, whose sums stay in registers.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#ifndef L
#define L 16
#endif
constexpr int C = 2, ROWS = 8, BLOCK = 16;  // inputs and outputs; rows of a block; steps of a block of the gradient

typedef double Lanes[L];

static double *room(size_t size) { return (double *)std::aligned_alloc(64, (size * 8 + 63) / 64 * 64); }

static double *read(const std::string &name, size_t size)
{
    double *values = room(size);
    std::FILE *file = std::fopen(name.c_str(), "rb");
    if (!file || std::fread(values, 8, size, file) != size) std::exit(1);
    std::fclose(file);
    return values;
}

typedef double Vector __attribute__((vector_size(64), may_alias));
constexpr int B = L / 8;  // vectors of a row

// out = A in, with A (N, N)
static void product(const double *A, const Lanes *in, Lanes *out)
{
    for (int i = 0; i < N; i += ROWS)
    {
        Vector sum[ROWS][B] = {};
        for (int j = 0; j < N; j++)
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 2
                for (int b = 0; b < B; b++) sum[r][b] += A[(i + r) * N + j] * ((const Vector *)in[j])[b];
        for (int r = 0; r < ROWS; r++)
            for (int b = 0; b < B; b++) ((Vector *)out[i + r])[b] = sum[r][b];
    }
}

// G += sum over steps and lanes of d o^T
static void gradient(double *G, const Lanes *d, const Lanes *o, int steps)
{
    for (int i = 0; i < N; i += 4)
        for (int j = 0; j < N; j += 4)
        {
            Vector sum[4][4] = {};
            for (int b = 0; b < B; b++)
                for (int t = 0; t < steps; t++)
#pragma GCC unroll 4
                    for (int r = 0; r < 4; r++)
#pragma GCC unroll 4
                        for (int s = 0; s < 4; s++)
                            sum[r][s] += ((const Vector *)d[t * N + i + r])[b] * ((const Vector *)o[t * N + j + s])[b];
            for (int r = 0; r < 4; r++)
                for (int s = 0; s < 4; s++)
                    for (int k = 0; k < 8; k++) G[(i + r) * N + j + s] += sum[r][s][k];
        }
}

int main(int, char **argv)
{
    const std::string folder = std::string(argv[1]) + "/";
    const size_t R = std::atoi(argv[2]), K = std::atoi(argv[3]), T = std::atoi(argv[4]);
    double *W = read(folder + "W.bin", R * N * N), *U = read(folder + "U.bin", R * N * C);
    const double *V = read(folder + "V.bin", R * C * N), *eta = read(folder + "eta.bin", R);
    const double *x = read(folder + "x.bin", R * K * T * C), *y = read(folder + "y.bin", R * K * T * C);
    Lanes *o = (Lanes *)room((T + 1) * N * L), *d = (Lanes *)room(T * N * L), *err = (Lanes *)room(T * C * L);
    Lanes *carried = (Lanes *)room(N * L);
    double *turned = room(N * N), *G = room(N * N);
    const auto start = std::chrono::steady_clock::now();
    for (size_t r = 0; r < R; r++)
        for (size_t first = 0; first < K; first += L)
        {
            double *w = W + r * N * N;
            const double *u = U + r * N * C, *v = V + r * C * N;
            for (int i = 0; i < N; i++)
                for (int j = 0; j < N; j++) turned[j * N + i] = w[i * N + j], G[i * N + j] = 0;
            for (int i = 0; i < N; i++)
                for (int l = 0; l < L; l++) o[i][l] = 0;
            for (size_t t = 0; t < T; t++)
            {
                Lanes *now = o + (t + 1) * N, given[C];
                for (int l = 0; l < L; l++)
                    for (int q = 0; q < C; q++)
                    {
                        const size_t at = (((r * K + first + l) * T) + t) * C + q;
                        given[q][l] = x[at], err[t * C + q][l] = -y[at];
                    }
                product(w, o + t * N, now);
                for (int i = 0; i < N; i++)
                    for (int l = 0; l < L; l++)
                        now[i][l] = std::tanh(now[i][l] + u[i * C] * given[0][l] + u[i * C + 1] * given[1][l]);
                for (int q = 0; q < C; q++)
                    for (int i = 0; i < N; i++)
                        for (int l = 0; l < L; l++) err[t * C + q][l] += v[q * N + i] * now[i][l];
            }
            for (size_t t = T; t-- > 0;)
            {
                Lanes *now = d + t * N, *e = err + t * C;
                const Lanes *shown = o + (t + 1) * N;
                if (t + 1 < T) product(turned, now + N, carried);
                else for (int i = 0; i < N; i++) for (int l = 0; l < L; l++) carried[i][l] = 0;
                for (int i = 0; i < N; i++)
                    for (int l = 0; l < L; l++)
                        now[i][l] = (carried[i][l] + v[i] * e[0][l] + v[N + i] * e[1][l]) * (1 - shown[i][l] * shown[i][l]);
                if (t % BLOCK == 0) gradient(G, now, o + t * N, int(T - t < BLOCK ? T - t : BLOCK));
            }
            for (int i = 0; i < N * N; i++) w[i] -= eta[r] / L * G[i];
        }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::FILE *file = std::fopen((folder + "W.out").c_str(), "wb");
    if (!file || std::fwrite(W, 8, R * N * N, file) != R * N * N || std::fclose(file)) std::exit(1);
    std::printf("%.9g\n", seconds);
}
