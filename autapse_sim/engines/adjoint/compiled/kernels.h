// How networks lie in memory, and the products between neurons.
//
// A row holds one number for every neuron of every lane, the lane innermost. Shared: the lanes are trajectories of one
// network. Own: the lanes are networks, each with weights of its own. Single: one network with one trajectory, and
// neurons lie where the lanes would. Vectors have 64 bytes, whatever the processor makes of them; a Number is a double,
// or a float where single precision is asked for. Weights and what optimisers keep are doubles always.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <chrono>
#include <numeric>
#include <string>
#include <vector>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

// What is not worth the compiler's time.
#define RARE __attribute__((noinline, cold))

typedef Number Vector __attribute__((vector_size(64), may_alias));
constexpr int PACK = 64 / sizeof(Number);  // numbers in a vector
constexpr bool DOUBLE = sizeof(Number) == sizeof(double);
#if defined(__AVX512F__)
constexpr int SUMS = 16;  // that are held in registers
#else
constexpr int SUMS = 6;
#endif

static inline Vector load(const Number *from) { return *(const Vector *)from; }
static inline void store(Number *to, Vector value) { *(Vector *)to = value; }
static inline Number total(Vector v)
{
    Number sums[8];
    for (int i = 0; i < 8; i++) sums[i] = DOUBLE ? v[i] : v[i] + v[i + 8 % PACK];
    return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}
static inline int padded(int size) { return (size + PACK - 1) / PACK * PACK; }

// Integration steps whose outer products are summed at once: what they read stays in a cache.
constexpr int BLOCK = 16;

// Rows a power of two apart would all lie in the same places of a cache.
static size_t stride_of(size_t row) { return row < 512 ? row : row + 64; }

// -- functions of neurons

template <bool EVERY> static inline Number at(const Number *values, int e) { return values[EVERY ? e : 0]; }
static inline Number pick(bool condition, Number yes, Number no) { return condition ? yes : no; }
static inline Number sign(Number x) { return Number(x > 0) - Number(x < 0); }
static inline Number clip(Number x, Number low, Number high)
{
    const Number above = x < low ? low : x;
    return above > high ? high : above;
}
// `volatile` for a true division: a product with 1/b may err where a is a multiple of b
static inline Number whole(Number a, Number b)
{
    const volatile Number by = b;
    return std::floor(a / by);
}
static inline Number modulo(Number a, Number b)
{
    const Number left = a - whole(a, b) * b;
    return left * b < 0 ? 0 : left;
}
static inline Number timestep(Number t, Number dt) { return std::trunc((t + Number(1e-3) * dt) / dt); }
static inline Number exprel(Number x)
{
    const Number near = 1 + x * (Number(0.5) + x * (Number(1 / 6.) + x * (Number(1 / 24.) + x * (Number(1 / 120.) + x / 720))));
    const Number far = std::expm1(x) / x;
    return std::fabs(x) < Number(1e-3) ? near : far;
}
static inline Number exprel_slope(Number x)
{
    Number near = 0, factor = 1, below = 1;  // sum_k (k + 1)/(k + 2)! x^k
    for (int k = 0; k < 16; k++) below *= k + 2, near += (k + 1) / below * factor, factor *= x;
    const Number far = (std::exp(x) - exprel(x)) / x;
    return std::fabs(x) < 1 ? near : far;
}
// tanh(x) = m/(m + 2) with m = exp(2 x) - 1, by a polynomial after powers of 2 are taken out: to 5 units in the last
// place, and faster in a vector than the C library's. What must not be summed in another order has a barrier around it.
static inline Number hyperbolic(Number x)
{
#if defined(__has_builtin) && __has_builtin(__builtin_assoc_barrier)
    if constexpr (DOUBLE)
    {
        const double y = clip(2 * x, -80, 80), k = std::rint(y * 1.4426950408889634);
        const double r = __builtin_assoc_barrier(y - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10;
        const double r2 = r * r, r4 = r2 * r2, r8 = r4 * r4;
        const double low = (1 / 2. + r / 6) + r2 * (1 / 24. + r / 120) + r4 * ((1 / 720. + r / 5040) + r2 * (1 / 40320. + r / 362880));
        const double high = (1 / 3628800. + r / 39916800) + r2 / 479001600;
        const int64_t bits = int64_t(int32_t(k) + 1023) << 52;
        double two;
        std::memcpy(&two, &bits, sizeof two);
        const double small = __builtin_assoc_barrier(two * (r + r2 * __builtin_assoc_barrier(low + r8 * high)));
        const double m = small + __builtin_assoc_barrier(two - 1);
        return m / (m + 2);
    }
#endif
    return std::tanh(x);
}
template <int P> static inline Number power(Number x)
{
    if constexpr (P == 1) return x;
    else if constexpr (P % 2) return x * power<P - 1>(x);
    else { const Number half = power<P / 2>(x); return half * half; }
}

// -- layouts
//
// apply: out = A in, where much of what comes in may be SILENT; outer: gradient += sum_k D(k) S(k)^T over lanes; pack makes an A in the
// order of the layout of a matrix, or of its transpose; compact takes a gradient from that order. Matrices lie row by
// row, with the number of each of NETWORKS innermost, which is what A itself is where the layout is PLAIN.

template <int B> struct Shared
{
    static constexpr bool OWN = false, PLAIN = true;
    static constexpr int LANES = PACK * B, NETWORKS = 1;
    static int row(int size) { return size * LANES; }
    static size_t area(int rows, int columns) { return size_t(rows) * columns; }

    static void pack(Number *to, const double *matrix, int rows, int columns, bool turned)
    {
        if (!turned) std::copy_n(matrix, size_t(rows) * columns, to);
        else
            for (int i = 0; i < rows; i++)
                for (int j = 0; j < columns; j++) to[size_t(i) * columns + j] = matrix[size_t(j) * rows + i];
    }

    template <int R>
    static inline void rows_of(const Number *A, int columns, const Number *in, Number *out)
    {
        Vector sum[R][B];
#pragma GCC unroll 16
        for (int r = 0; r < R; r++)
#pragma GCC unroll 4
            for (int b = 0; b < B; b++) sum[r][b] = Vector{};
        for (int j = 0; j < columns; j++)
        {
            Vector x[B];
#pragma GCC unroll 4
            for (int b = 0; b < B; b++) x[b] = load(in + (j * B + b) * PACK);
#pragma GCC unroll 16
            for (int r = 0; r < R; r++)
            {
                const Number w = A[size_t(r) * columns + j];
#pragma GCC unroll 4
                for (int b = 0; b < B; b++) sum[r][b] += w * x[b];
            }
        }
#pragma GCC unroll 16
        for (int r = 0; r < R; r++)
#pragma GCC unroll 4
            for (int b = 0; b < B; b++) store(out + (r * B + b) * PACK, sum[r][b]);
    }

    template <bool SILENT>
    static void apply(const Number *A, int rows, int columns, const Number *in, Number *out)
    {
        constexpr int R = SUMS / B;
        int i = 0;
        for (; i + R <= rows; i += R) rows_of<R>(A + size_t(i) * columns, columns, in, out + i * LANES);
        for (; i + 4 <= rows; i += 4) rows_of<4>(A + size_t(i) * columns, columns, in, out + i * LANES);
        for (; i + 2 <= rows; i += 2) rows_of<2>(A + size_t(i) * columns, columns, in, out + i * LANES);
        for (; i < rows; i++) rows_of<1>(A + size_t(i) * columns, columns, in, out + i * LANES);
    }

    template <int P, int Q>
    static inline void tile(Number *G, int columns, const Number *D, size_t ds, const Number *S, size_t ss, int count)
    {
        Vector sum[P][Q] = {};
        for (int b = 0; b < B; b++)  // the outer loop: two products for a sum at once would become three operations
        {
            const Number *from = D + b * PACK, *with = S + b * PACK;
            for (int k = 0; k < count; k++, from += ds, with += ss)
            {
                Vector d[P], s[Q];
#pragma GCC unroll 4
                for (int p = 0; p < P; p++) d[p] = load(from + p * LANES);
#pragma GCC unroll 4
                for (int q = 0; q < Q; q++) s[q] = load(with + q * LANES);
#pragma GCC unroll 4
                for (int p = 0; p < P; p++)
#pragma GCC unroll 4
                    for (int q = 0; q < Q; q++) sum[p][q] += d[p] * s[q];
            }
        }
#pragma GCC unroll 4
        for (int p = 0; p < P; p++)
#pragma GCC unroll 4
            for (int q = 0; q < Q; q++) G[size_t(p) * columns + q] += total(sum[p][q]);
    }

    template <int P>
    static void strip(Number *G, int columns, const Number *D, size_t ds, const Number *S, size_t ss, int count)
    {
        int j = 0;
        for (; j + 4 <= columns; j += 4) tile<P, 4>(G + j, columns, D, ds, S + j * LANES, ss, count);
        for (; j < columns; j++) tile<P, 1>(G + j, columns, D, ds, S + j * LANES, ss, count);
    }

    static void outer(Number *G, int rows, int columns, const Number *D, size_t ds, const Number *S, size_t ss, int count)
    {
        int i = 0;
        for (; i + 4 <= rows; i += 4) strip<4>(G + size_t(i) * columns, columns, D + i * LANES, ds, S, ss, count);
        for (; i < rows; i++) strip<1>(G + size_t(i) * columns, columns, D + i * LANES, ds, S, ss, count);
    }

    static const Number *compact(Number *G, int, int) { return G; }
};

template <int B> struct Own
{
    static constexpr bool OWN = true, PLAIN = true;
    static constexpr int LANES = PACK * B, NETWORKS = LANES;
    static int row(int size) { return size * LANES; }
    static size_t area(int rows, int columns) { return size_t(rows) * columns * LANES; }

    static void pack(Number *to, const double *matrix, int rows, int columns, bool turned)
    {
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++, to += LANES)
            {
                const double *from = matrix + (turned ? size_t(j) * rows + i : size_t(i) * columns + j) * LANES;
                std::copy_n(from, LANES, to);
            }
    }

    template <bool SILENT>
    static inline void apply(const Number *A, int rows, int columns, const Number *in, Number *out)
    {
        for (int i = 0; i < rows; i++, out += LANES)
        {
            Vector sum[B];
#pragma GCC unroll 4
            for (int b = 0; b < B; b++) sum[b] = Vector{};
            for (int j = 0; j < columns; j++, A += LANES)
#pragma GCC unroll 4
                for (int b = 0; b < B; b++) sum[b] += load(A + b * PACK) * load(in + j * LANES + b * PACK);
#pragma GCC unroll 4
            for (int b = 0; b < B; b++) store(out + b * PACK, sum[b]);
        }
    }

    static void outer(Number *G, int rows, int columns, const Number *D, size_t ds, const Number *S, size_t ss, int count)
    {
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++, G += LANES)
            {
                const Number *d = D + i * LANES, *s = S + j * LANES;
                Vector sum[B];
#pragma GCC unroll 4
                for (int b = 0; b < B; b++) sum[b] = load(G + b * PACK);
                for (int k = 0; k < count; k++, d += ds, s += ss)
#pragma GCC unroll 4
                    for (int b = 0; b < B; b++) sum[b] += load(d + b * PACK) * load(s + b * PACK);
#pragma GCC unroll 4
                for (int b = 0; b < B; b++) store(G + b * PACK, sum[b]);
            }
    }

    static const Number *compact(Number *G, int, int) { return G; }
};

struct Single
{
    static constexpr bool OWN = false, PLAIN = false;
    static constexpr int LANES = 1, NETWORKS = 1;
    static int row(int size) { return padded(size); }
    static size_t area(int rows, int columns)
    {
        const size_t one = size_t(padded(rows)) * columns, other = size_t(rows) * padded(columns);
        return one > other ? one : other;
    }

    static void pack(Number *to, const double *matrix, int rows, int columns, bool turned)
    {
        const int width = padded(rows);
        for (int j = 0; j < columns; j++)
            for (int i = 0; i < width; i++)
                *to++ = i >= rows ? 0 : matrix[turned ? size_t(j) * rows + i : size_t(i) * columns + j];
    }

    template <int V, bool SILENT>
    static inline void part(const Number *A, int width, const Number *in, const int *heard, int count, Number *out)
    {
        Vector sum[V];
#pragma GCC unroll 8
        for (int v = 0; v < V; v++) sum[v] = Vector{};
        for (int q = 0; q < count; q++)
        {
            const int j = SILENT ? heard[q] : q;
            const Number *a = A + size_t(j) * width, x = in[j];
#pragma GCC unroll 8
            for (int v = 0; v < V; v++) sum[v] += load(a + v * PACK) * x;
        }
#pragma GCC unroll 8
        for (int v = 0; v < V; v++) store(out + v * PACK, sum[v]);
    }

    template <bool SILENT>
    static void apply(const Number *A, int rows, int columns, const Number *in, Number *out)
    {
        static std::vector<int> room;
        int count = columns, *heard = nullptr;
        if (SILENT)
        {
            if (int(room.size()) < columns) room.resize(columns);
            count = 0, heard = room.data();
            for (int j = 0; j < columns; j++) heard[count] = j, count += in[j] != 0;
        }
        const int width = padded(rows);
        constexpr int V = SUMS > 8 ? 8 : 4;
        int i = 0;
        for (; i + PACK * V <= width; i += PACK * V) part<V, SILENT>(A + i, width, in, heard, count, out + i);
        for (; i + 4 * PACK <= width; i += 4 * PACK) part<4, SILENT>(A + i, width, in, heard, count, out + i);
        for (; i + 2 * PACK <= width; i += 2 * PACK) part<2, SILENT>(A + i, width, in, heard, count, out + i);
        for (; i < width; i += PACK) part<1, SILENT>(A + i, width, in, heard, count, out + i);
    }

    template <int P, int V>
    static inline void tile(Number *G, int width, const Number *D, size_t ds, const Number *S, size_t ss, int count)
    {
        Vector sum[P][V];
#pragma GCC unroll 4
        for (int p = 0; p < P; p++)
#pragma GCC unroll 4
            for (int v = 0; v < V; v++) sum[p][v] = load(G + size_t(p) * width + v * PACK);
        for (int k = 0; k < count; k++, D += ds, S += ss)
        {
            Vector s[V];
#pragma GCC unroll 4
            for (int v = 0; v < V; v++) s[v] = load(S + v * PACK);
#pragma GCC unroll 4
            for (int p = 0; p < P; p++)
#pragma GCC unroll 4
                for (int v = 0; v < V; v++) sum[p][v] += D[p] * s[v];
        }
#pragma GCC unroll 4
        for (int p = 0; p < P; p++)
#pragma GCC unroll 4
            for (int v = 0; v < V; v++) store(G + size_t(p) * width + v * PACK, sum[p][v]);
    }

    template <int P>
    static void strip(Number *G, int width, const Number *D, size_t ds, const Number *S, size_t ss, int count)
    {
        int j = 0;
        for (; j + 4 * PACK <= width; j += 4 * PACK) tile<P, 4>(G + j, width, D, ds, S + j, ss, count);
        for (; j < width; j += PACK) tile<P, 1>(G + j, width, D, ds, S + j, ss, count);
    }

    static void outer(Number *G, int rows, int columns, const Number *D, size_t ds, const Number *S, size_t ss, int count)
    {
        const int width = padded(columns);
        int i = 0;
        for (; i + 4 <= rows; i += 4) strip<4>(G + size_t(i) * width, width, D + i, ds, S, ss, count);
        for (; i < rows; i++) strip<1>(G + size_t(i) * width, width, D + i, ds, S, ss, count);
    }

    // In place: rows move to the front.
    static const Number *compact(Number *G, int rows, int columns)
    {
        const int width = padded(columns);
        for (int i = 1; i < rows; i++) std::memmove(G + size_t(i) * columns, G + size_t(i) * width, sizeof(Number) * columns);
        return G;
    }
};
