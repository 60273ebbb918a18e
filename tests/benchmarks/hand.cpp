// The autapse rule by hand: R networks of N neurons, 2 inputs and 2 outputs, W learns at every step.
//
//   g++ -O3 -march=native -ffast-math -DN=32 [-DTILE=8] hand.cpp -o hand
//   ./hand FOLDER R K STEPS PRESENTATIONS      presentation p shows trajectory p modulo K
//
// Reads W, U, V, B, x, y, eta and tau (.bin, float64, C order; x and y by trajectory, step, network, channel) from
// FOLDER, writes W.out (R, N, N) and mse.out (PRESENTATIONS, R), and prints the seconds of its loop over the steps.
//
// The update of a step and the drive of the next are one pass over W. Networks do not meet, so each tile of networks
// goes through all its steps before the next tile starts and stays in the nearest cache that holds it. Without TILE
// the presynaptic index lies innermost in W; with it the replicate index, TILE networks side by side.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

constexpr int divisor(int size, int most) { return size % most == 0 ? most : divisor(size, most / 2); }

constexpr int M = 2, C = 2;                      // inputs, outputs
// vectors: `neurons` of them one after the other, Q side by side; `rows` of W at once in a pass
#ifdef TILE
constexpr bool side_by_side = true;
constexpr int tile = TILE, lanes = divisor(TILE, 8), rows = divisor(N, 4);
constexpr int neurons = N, Q = TILE / lanes;
#else
constexpr bool side_by_side = false;
constexpr int tile = 1, lanes = divisor(N, 4), rows = lanes;
constexpr int neurons = N / lanes, Q = 1;
#endif

template <class T, int n> struct Vector { typedef T type __attribute__((vector_size(n * sizeof(T)))); };
template <class T> struct Vector<T, 1> { typedef T type; };
typedef Vector<double, lanes>::type vec;
typedef Vector<int64_t, lanes>::type bits;

// -ffast-math adds in an order of its own, but not across this
template <class T> static inline T ordered(T value) {
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
    return __builtin_assoc_barrier(value);
#else
    asm("" : "+m"(value));
    return value;
#endif
}

// 1/(1 + exp(-a)), to the last bits
static inline vec sigmoid(vec a) {
    constexpr double magic = 6755399441055744.0;             // 1.5 * 2^52: what is added to it is rounded
    const vec shifted = ordered(magic - a * 1.4426950408889634), power = shifted - magic;
    const vec r = -a - power * 0.6931471805599453, r2 = r * r, r4 = r2 * r2, r8 = r4 * r4;
    const vec low = (1.0 + r) + r2 * (1.0 / 2 + r * (1.0 / 6)),
              middle = (1.0 / 24 + r * (1.0 / 120)) + r2 * (1.0 / 720 + r * (1.0 / 5040)),
              high = (1.0 / 40320 + r * (1.0 / 362880)) + r2 * (1.0 / 3628800 + r * (1.0 / 39916800)) +
                     r4 * (1.0 / 479001600);
    const vec least = vec{} + (magic - 1022), most = vec{} + (magic + 1023);
    const vec above = shifted < least ? least : shifted, bounded = above > most ? most : above;
    bits scale;
    __builtin_memcpy(&scale, &bounded, sizeof scale);
    scale = (scale - (0x4338000000000000 - 1023)) << 52;
    vec two;                                                 // to that power
    __builtin_memcpy(&two, &scale, sizeof two);
    return 1.0 / (1.0 + two * (ordered(low + r4 * middle) + r8 * high));
}

static inline double &lane(vec &values, int which) { return ((double *)&values)[which]; }

// the two channels of a step, one value for each lane: of the networks side by side, or of the one network
static inline void load(const double *from, size_t ahead, vec (*to)[Q]) {
    if (side_by_side)
        for (int line = 0; line < 2 * tile; line += 8) __builtin_prefetch(from + ahead + line);
#pragma GCC unroll 1
    for (int l = 0; l < lanes * Q; l++) {
        ((double *)to[0])[l] = from[side_by_side ? 2 * l : 0];
        ((double *)to[1])[l] = from[side_by_side ? 2 * l + 1 : 1];
    }
}

static inline double across(vec values) {
    double total = 0;
    for (int l = 0; l < lanes; l++) total += lane(values, l);
    return total;
}

// the sum over neurons, of which each lane holds its share
static inline vec sum(vec values) { return side_by_side ? values : vec{} + across(values); }

struct Tile {
    vec *W = new vec[N * neurons * Q];           // pre innermost, or (post, pre, q)
    vec U[M][neurons * Q], V[C][neurons * Q], B[C][neurons * Q];  // B times eta
    vec rate[Q];                                 // 1/tau

    // a = W o of the weights that W -= g k^T leaves; the sum k o takes g out of the way of W o
    void pass(const vec *o, const vec *k, const vec *g, vec *a) {
        for (int q = 0; q < Q; q++) {
            vec overlap = {};
            for (int j = 0; j < neurons; j++) overlap += k[j * Q + q] * o[j * Q + q];
            overlap = sum(overlap);
            for (int i = 0; i < N; i += rows) {
                vec drive[rows] = {}, change[rows];
                vec *w = &W[i * neurons * Q + q];
                for (int b = 0; b < rows; b++)
                    change[b] = side_by_side ? g[(i + b) * Q + q] : vec{} + ((const double *)g)[i + b];
#pragma GCC unroll 2
                for (int j = 0; j < neurons; j++)
                    for (int b = 0; b < rows; b++) {
                        vec &weight = w[(b * neurons + j) * Q];
                        drive[b] += weight * o[j * Q + q];
                        weight -= change[b] * k[j * Q + q];
                    }
                if (side_by_side)
                    for (int b = 0; b < rows; b++) a[(i + b) * Q + q] = drive[b] - change[b] * overlap;
                else {
                    vec total;
                    for (int b = 0; b < rows; b++) lane(total, b) = across(drive[b]);
                    a[i / lanes] = total - g[i / lanes] * overlap;
                }
            }
        }
    }

    void run(const double *x, const double *y, double *mse, int R, int K, int T, int P) {
        vec o[neurons * Q] = {}, k[neurons * Q] = {}, g[neurons * Q] = {}, a[neurons * Q];
        for (int p = 0; p < P; p++) {
            vec error[Q] = {};
            for (int i = 0; i < neurons * Q; i++) o[i] = vec{};
            for (int t = 0; t < T; t++) {
                const double *xt = x + (size_t(p % K) * T + t) * R * M, *yt = y + (size_t(p % K) * T + t) * R * C;
                vec X[M][Q], Y[C][Q];
                load(xt, 2 * R * M, X), load(yt, 2 * R * C, Y);
                pass(o, k, g, a);
                if (t == 0)
                    for (int i = 0; i < neurons * Q; i++) k[i] = vec{};
                for (int q = 0; q < Q; q++)
                    for (int i = q; i < neurons * Q; i += Q) {
                        k[i] += (o[i] - k[i]) * rate[q];
                        a[i] += U[0][i] * X[0][q] + U[1][i] * X[1][q];
                    }
                for (int i = 0; i < neurons * Q; i++) o[i] = sigmoid(a[i]);
                for (int q = 0; q < Q; q++) {
                    vec e0 = {}, e1 = {};
                    for (int i = q; i < neurons * Q; i += Q) e0 += V[0][i] * o[i], e1 += V[1][i] * o[i];
                    e0 = sum(e0) - Y[0][q], e1 = sum(e1) - Y[1][q];
                    error[q] += e0 * e0 + e1 * e1;
                    for (int i = q; i < neurons * Q; i += Q) g[i] = B[0][i] * e0 + B[1][i] * e1;
                }
            }
            for (int q = 0; q < tile; q++) mse[size_t(p) * R + q] = ((const double *)error)[q] / (T * C);
        }
        pass(o, k, g, a);                        // the last update
    }
};

static std::vector<double> read(const std::string &name, size_t size) {
    std::vector<double> values(size);
    std::FILE *file = std::fopen(name.c_str(), "rb");
    if (!file || std::fread(values.data(), sizeof(double), size, file) != size) {
        std::fprintf(stderr, "cannot read %s\n", name.c_str());
        std::exit(1);
    }
    std::fclose(file);
    return values;
}

static void write(const std::string &name, const std::vector<double> &values) {
    std::FILE *file = std::fopen(name.c_str(), "wb");
    if (!file || std::fwrite(values.data(), sizeof(double), values.size(), file) != values.size() || std::fclose(file))
        std::exit(1);
}

int main(int count, char **argv) {
    if (count != 6 || std::atoi(argv[2]) % tile) {
        std::fprintf(stderr, "hand FOLDER R K STEPS PRESENTATIONS, with R a multiple of %d\n", tile);
        return 1;
    }
    const std::string folder = std::string(argv[1]) + "/";
    const int R = std::atoi(argv[2]), K = std::atoi(argv[3]), T = std::atoi(argv[4]), P = std::atoi(argv[5]);
#if defined(__SSE__)
    _mm_setcsr(_mm_getcsr() | 0x8040);           // denormals are zero
#endif
    std::vector<double> W = read(folder + "W.bin", size_t(R) * N * N), mse(size_t(P) * R);
    const std::vector<double> U = read(folder + "U.bin", size_t(R) * N * M),
                              V = read(folder + "V.bin", size_t(R) * C * N),
                              B = read(folder + "B.bin", size_t(R) * N * C),
                              eta = read(folder + "eta.bin", R), tau = read(folder + "tau.bin", R),
                              x = read(folder + "x.bin", size_t(K) * T * R * M),
                              y = read(folder + "y.bin", size_t(K) * T * R * C);
    std::vector<Tile> tiles(R / tile);
    for (int r = 0; r < R; r++) {
        Tile &to = tiles[r / tile];
        const int q = r % tile;
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++) ((double *)to.W)[(i * N + j) * tile + q] = W[(size_t(r) * N + i) * N + j];
            for (int m = 0; m < M; m++) ((double *)to.U[m])[i * tile + q] = U[(size_t(r) * N + i) * M + m];
            for (int c = 0; c < C; c++) ((double *)to.V[c])[i * tile + q] = V[(size_t(r) * C + c) * N + i];
            for (int c = 0; c < C; c++) ((double *)to.B[c])[i * tile + q] = B[(size_t(r) * N + i) * C + c] * eta[r];
        }
        for (int l = 0; l < (side_by_side ? 1 : lanes); l++) ((double *)to.rate)[q + l] = 1 / tau[r];
    }

    const auto start = std::chrono::steady_clock::now();
    for (int r = 0; r < R; r += tile) tiles[r / tile].run(&x[r * M], &y[r * C], &mse[r], R, K, T, P);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

    for (int r = 0; r < R; r++)
        for (int n = 0; n < N * N; n++)
            W[size_t(r) * N * N + n] = ((const double *)tiles[r / tile].W)[n * tile + r % tile];
    write(folder + "W.out", W);
    write(folder + "mse.out", mse);
    std::printf("%.9g\n", seconds);
}
