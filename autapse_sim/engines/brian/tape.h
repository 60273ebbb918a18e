// The tape of a run: what every network is shown and what is kept of it, read from and written to files in the
// working folder. Sizes, schedule, stimuli and duration are data here, so changing them never compiles.
#ifndef AUTAPSE_TAPE_H
#define AUTAPSE_TAPE_H
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace autapse {

inline void fail(const std::string &what) {
    std::fprintf(stderr, "tape: %s: %s\n", what.c_str(), std::strerror(errno));
    std::exit(3);
}

inline std::FILE *open(const std::string &name, const char *mode) {
    std::FILE *file = std::fopen(name.c_str(), mode);
    if (!file) fail("cannot open " + name);
    return file;
}

template <class T> std::vector<T> read(const std::string &name) {
    std::FILE *file = open(name, "rb");
    std::fseek(file, 0, SEEK_END);
    std::vector<T> values(std::ftell(file) / sizeof(T));
    std::rewind(file);
    // nothing has no address that C's functions would take
    if (!values.empty() && std::fread(values.data(), sizeof(T), values.size(), file) != values.size())
        fail("cannot read " + name);
    std::fclose(file);
    return values;
}

template <class T> void write(const std::string &name, const T *values, size_t size) {
    std::FILE *file = open(name, "wb");
    if (size && std::fwrite(values, sizeof(T), size, file) != size) fail("cannot write " + name);
    if (std::fclose(file)) fail("cannot write " + name);
}

template <class T> void write(const std::string &name, const std::vector<T> &values) {
    write(name, values.data(), values.size());
}

// Most memory that this process had at once, in kilobytes; 0 where the system does not tell.
inline double peak() {
    std::FILE *file = std::fopen("/proc/self/status", "r");
    long kilobytes = 0;
    for (char line[256]; file && std::fgets(line, sizeof line, file);)
        if (std::sscanf(line, "VmHWM: %ld", &kilobytes) == 1) break;
    if (file) std::fclose(file);
    return double(kilobytes);
}

// What is shown to all networks, step by step; the system brings the file into memory as it is needed.
class Rows {
    const double *values = nullptr;
    int64_t length, width, size;                     // of the file in rows, of a row; elements of one network
    bool straight;                                   // each tile of networks has rows of its own, as the group lies
    std::vector<int32_t> column;                     // else where each element of a group finds its number in a row

  public:
    Rows(const std::string &name, int64_t width, int64_t networks, bool straight) : width(width), straight(straight) {
        for (int64_t place : read<int64_t>(name + "_column.bin")) column.push_back(place);
        size = column.size() / networks;
        const int file = ::open((name + ".bin").c_str(), O_RDONLY);
        struct stat about;
        if (file < 0 || fstat(file, &about)) fail("cannot open " + name);
        length = about.st_size / sizeof(double) / width;
#if defined(MAP_POPULATE)
        const int how = MAP_PRIVATE | MAP_POPULATE;      // all pages at once, not one by one while it runs
#else
        const int how = MAP_PRIVATE;
#endif
        void *mapped = mmap(nullptr, about.st_size, PROT_READ, how, file, 0);
        if (mapped == MAP_FAILED) fail("cannot map " + name);
        close(file);
        values = static_cast<const double *>(mapped);
    }

    // Let the networks `first` to `first` + `count` of a group see their numbers: where they lie, or copied.
    void show(int64_t row, double *&group, int64_t first, int64_t count) const {
        if (!straight) return copy(row, group, first, count);
        const double *numbers = values + first * size * length + row * count * size;
        group = const_cast<double *>(numbers - first * size);
        for (int64_t ahead = 0; ahead < count * size; ahead += 8) __builtin_prefetch(numbers + 2 * count * size + ahead);
    }

    template <class F> void show(int64_t row, F *&group, int64_t first, int64_t count) const {
        if (straight) {
            const double *__restrict numbers = values + first * size * length + row * count * size;
            F *__restrict mine = group + first * size;
            for (int64_t element = 0; element < count * size; element++) mine[element] = numbers[element];
        } else copy(row, group, first, count);
    }

  private:
    template <class F> void copy(int64_t row, F *__restrict group, int64_t first, int64_t count) const {
        const double *__restrict numbers = values + row * width;
        const int32_t *__restrict from = column.data();
        for (int64_t element = first * size; element < (first + count) * size; element++)
            group[element] = numbers[from[element]];
    }
};

struct Tape {
    static constexpr size_t FIXED = 19;              // numbers in size.bin before the widths of the tables
    std::vector<int64_t> size = read<int64_t>("size.bin");
    int64_t outputs = size[0], neurons = size[1], networks = size[2], steps = size[3], substeps = size[4];
    int64_t tile = size[5];                          // networks that are run together
    bool lanes = size[10];                           // whether the network index is innermost
    int64_t kept = size[8], tracked = size[9], batch = size[12];
    bool per_step = size[13], averaging = size[14], entropy = size[15], resets = size[16];
    int64_t done = size[17];                         // trajectories from which something was learned before this run
    int64_t ticks = size[18];                        // time steps before it
    Rows x{"x", size[6], networks, size[11] != 0}, y{"y", size[7], networks, size[11] != 0};
    std::vector<int64_t> trajectory = read<int64_t>("trajectory.bin"), learn = read<int64_t>("learn.bin"),
                         stamp = read<int64_t>("stamp.bin"),
                         keeps = read<int64_t>("keep.bin"), traces = read<int64_t>("trace.bin"),
                         traced = read<int64_t>("traced.bin"),
                         checkpoints = read<int64_t>("checkpoint.bin"), states = read<int64_t>("state.bin");
    std::vector<uint64_t> seeds = read<uint64_t>("seeds.bin");
    bool any_traced = std::any_of(traced.begin(), traced.end(), [](int64_t place) { return place >= 0; });
    int64_t presentations = trajectory.size(), width = networks * outputs;
    std::vector<double> error, surprise, prediction;
    std::vector<std::vector<double>> tables;

    // where the tape stands
    int64_t timestep = -1, presentation = -1, step = 0, substep = 0, first_row = 0;
    int64_t moment = 0;                              // time steps since the states last began anew
    int64_t first = 0;                               // of the networks that are being run
    bool starting = false, ending = false, learns = false, tracing = false, last = false, updating = false;
    int64_t learned = 0, updates = 0;                // trajectories, and changes of the weights, with this one
    int64_t checkpoint = -1, state = -1;             // where what there is at the end of this presentation is kept
    using Clock = std::chrono::steady_clock;
    Clock::time_point started, reported;

    Tape() {
#if defined(__SSE__)
        _mm_setcsr(_mm_getcsr() | 0x8040);           // denormals are zero: silent traces would cost a hundredfold
#endif
        error.assign(presentations * width, 0.0);
        surprise.assign(entropy ? presentations * width : 0, 0.0);
        prediction.assign(kept * steps * width, 0.0);
        for (size_t table = FIXED; table < size.size(); table++)
            tables.emplace_back(tracked * steps * size[table], 0.0);
    }

    // back to the beginning, for the networks of the next tile
    void rewind(int64_t tile) {
        if (tile == 0) started = reported = Clock::now();
        first = tile, timestep = presentation = -1, learned = done;
        updates = per_step ? done * steps : done / batch;
        moment = resets ? 0 : ticks - 1;
        step = steps - 1, substep = substeps - 1;
    }

    // one time step further; false at the end of the tape
    bool next() {
        timestep++;
        if (++substep == substeps) {
            substep = 0;
            if (++step == steps) {
                step = 0;
                if (++presentation == presentations) return false;
                first_row = trajectory[presentation] * steps;
                learns = learn[presentation];
                checkpoint = checkpoints[presentation], state = states[presentation];
            }
        }
        starting = step == 0 && substep == 0 && (resets || (presentation == 0 && !done));
        moment = starting ? 0 : moment + 1;
        last = substep == substeps - 1;              // of this step of the stimulus
        ending = last && step == steps - 1;
        learned += learns && ending;
        updating = learns && (per_step ? last : ending && learned % batch == 0);
        updates += updating;
        tracing = last && traces[presentation] >= 0 && any_traced;
        if ((timestep & 255) == 0 && Clock::now() - reported > std::chrono::milliseconds(100)) {
            reported = Clock::now();
            const double length = presentations * steps * substeps;
            std::printf("progress %.4f\n", (first + tile * timestep / length) / networks);
            std::fflush(stdout);
        }
        return true;
    }

    template <class F> void show(F *&stimulus, F *&target) {
        if (substep) return;
        x.show(first_row + step, stimulus, first, tile), y.show(first_row + step, target, first, tile);
    }

    template <class F> void keep(const F *__restrict now, const F *__restrict err, const F *__restrict target) {
        if (!last) return;
        const int64_t begin = first * outputs, end = begin + tile * outputs;
        double *__restrict sum = error.data() + presentation * width;
        for (int64_t channel = begin; channel < end; channel++) sum[channel] += double(err[channel]) * err[channel];
        if (entropy) {
            double *__restrict nats = surprise.data() + presentation * width;
            for (int64_t channel = begin; channel < end; channel++) {
                const double wanted = target[channel] == target[channel] ? target[channel] : 0;
                nats[channel] -= wanted * std::log(std::max(double(now[channel]), 1e-300));
            }
        }
        if (keeps[presentation] < 0) return;
        double *__restrict row = prediction.data() + (keeps[presentation] * steps + step) * width;
        for (int64_t channel = begin; channel < end; channel++) row[channel] = now[channel];
    }

    void finish() const {
        const double usage[2] = {std::chrono::duration<double>(Clock::now() - started).count(), peak()};
        write("usage.bin", usage, 2);
        write("error.bin", error), write("surprise.bin", surprise), write("prediction.bin", prediction);
        for (size_t table = 0; table < tables.size(); table++)
            write("trace_" + std::to_string(table) + ".bin", tables[table]);
    }
};

inline Tape tape;

// A file of a variable of all networks as it was at the end of some presentations: a row for each of these.
class Shelf {
    std::string name;
    int file;

  public:
    Shelf(const std::string &name) : name(name), file(::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666)) {
        if (file < 0) fail("cannot open " + name);
    }
    ~Shelf() { close(file); }

    // keep what the networks that are being run have of the `size` values of all
    template <class V> void put(int64_t row, const V *values, int64_t size) const {
        const int64_t each = size / tape.networks;
        const char *bytes = reinterpret_cast<const char *>(values + tape.first * each);
        int64_t left = tape.tile * each * sizeof(V), place = (row * size + tape.first * each) * sizeof(V);
        while (left > 0) {
            const int64_t written = pwrite(file, bytes, left, place);
            if (written <= 0) fail("cannot write " + name);
            bytes += written, place += written, left -= written;
        }
    }
};

// Let a variable go on from where it was.
template <class V> void resume(const std::string &name, V *values, size_t size) {
    const std::vector<V> given = read<V>(name);
    if (given.size() != size) fail("wrong size of " + name);
    std::copy(given.begin(), given.end(), values);
}

// whether something is learned
inline double learns(int64_t) { return tape.learns; }

// steps since the trajectory began, 1 at the end of the first; always 1 where eq. 1's 1/t is left out
inline double since_start(int64_t) {
    return tape.averaging ? tape.step + double(tape.substep + 1) / tape.substeps : 1;
}

// steps of the trajectory that were shown, with this one; whether this integration step is the first of its step
inline double steps_shown(int64_t) { return tape.step + 1; }
inline double fresh(int64_t) { return tape.substep == 0; }

inline double starting(int64_t) { return tape.starting; }
inline double first_of_all(int64_t) { return tape.timestep == 0 && !tape.done; }

inline double ending(int64_t) { return tape.ending; }

// whether the weights change by what was gathered, for the how many-th time, and by which share of it
inline double updating(int64_t) { return tape.updating; }
inline double updates(int64_t) { return tape.updates; }
inline double share(int64_t) { return 1.0 / tape.batch; }

// whether a target counts: it is NaN where it does not
template <class V> inline double known(V target) { return target == target; }

template <class C, class A, class B> inline auto choose(C condition, A yes, B no) { return condition != 0 ? yes : no; }

// a number where a condition holds, else 0; by its bits, which compilers do for several numbers at once where the
// condition is one for all
template <class C> inline double only(C condition, double value) {
    uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    bits &= condition != 0 ? ~uint64_t(0) : 0;
    std::memcpy(&value, &bits, sizeof bits);
    return value;
}

// functions whose numbers are real, also where they are whole: the whole part, the sign, a number within bounds, time
// steps (in spite of rounding), and a number of which roots may be taken, NaN where it is below 0
template <class V> using Real = typename std::conditional<std::is_floating_point<V>::value, V, double>::type;
inline double whole(bool value) { return value; }
template <class V> inline Real<V> whole(V value) { return std::trunc(Real<V>(value)); }
template <class V> inline Real<V> signum(V value) { return value > 0 ? 1 : value < 0 ? -1 : Real<V>(value); }
template <class V> inline Real<V> clipped(V value, double low, double high) {
    const double above = value < low ? low : value;
    return above > high ? high : above;
}
template <class V> inline Real<V> positive(V value) { return value < 0 ? NAN : Real<V>(value); }
// a/b rounded down, and what is left of a; `volatile` for a true division, where a product with 1/b may err
inline double quotient_of(double a, double b) {
    const volatile double by = b;
    return std::floor(a / by);
}
inline double remainder_of(double a, double b) {
    const double left = a - quotient_of(a, b) * b;
    return left * b < 0 ? 0 : left;
}
inline double timesteps(double t, double dt) { return std::trunc((t + 1e-3 * dt) / dt); }

// a/b of numbers below 10^15, rounded down: processors divide integers one by one, and doubles several at once
inline int64_t quotient(int64_t a, int64_t b) { return int64_t((double(a) + 0.5) / double(b)); }

// Which network an element of a group belongs to, and which of its `size` elements it is.
inline int64_t network_of(int64_t element, int64_t size) {
    const int64_t tile = tape.lanes ? tape.tile : 1;
    return quotient(element, size * tile) * tile + element - quotient(element, tile) * tile;
}
inline int64_t within(int64_t element, int64_t size) {
    const int64_t tile = tape.lanes ? tape.tile : 1;
    return quotient(element, tile) - quotient(element, size * tile) * size;
}

inline double trace(int64_t table, int64_t element, int64_t, double value) {
    const int64_t size = table == 0 ? tape.outputs : tape.neurons;
    const int64_t row = tape.traces[tape.presentation], place = tape.traced[network_of(element, size)];
    if (place < 0) return 0;
    tape.tables[table][(row * tape.steps + tape.step) * tape.size[Tape::FIXED + table] + place * size + within(element, size)] =
        value;
    return 1;
}

// Random numbers as a function of the seed of a network, the presentation, the time in it, the place in the network and
// in the code: what a network draws depends neither on those beside it nor on how often it is shown other data. Mixing:
// SplitMix64 (Steele, Lea & Flood 2014).
inline uint64_t mixed(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

inline double drawn(uint64_t place, int64_t network, uint64_t cell) {
    const uint64_t golden = 0x9e3779b97f4a7c15u;
    uint64_t when = mixed(tape.seeds[network] + golden * (uint64_t(tape.stamp[tape.presentation]) + 1));
    when = mixed(when + golden * uint64_t(tape.step * tape.substeps + tape.substep + 1));
    return (mixed(mixed(when + golden * (cell + 1)) + golden * place) >> 11) * 0x1p-53;
}

// Box & Muller
inline double gauss(uint64_t place, int64_t network, uint64_t cell) {
    const double radius = 1 - drawn(2 * place, network, cell), angle = drawn(2 * place + 1, network, cell);
    return std::sqrt(-2 * std::log(radius)) * std::cos(6.283185307179586 * angle);
}

inline double uniform(int64_t place, int64_t element, int64_t size, int64_t) {
    return drawn(place, network_of(element, size), within(element, size));
}
inline double normal(int64_t place, int64_t element, int64_t size, int64_t) {
    return gauss(place, network_of(element, size), within(element, size));
}
inline double pair_uniform(int64_t place, int64_t pre, int64_t post, int64_t many_pre, int64_t many_post, int64_t) {
    return drawn(place, network_of(post, many_post), within(pre, many_pre) * many_post + within(post, many_post));
}
inline double pair_normal(int64_t place, int64_t pre, int64_t post, int64_t many_pre, int64_t many_post, int64_t) {
    return gauss(place, network_of(post, many_post), within(pre, many_pre) * many_post + within(post, many_post));
}

}  // namespace autapse
#endif
