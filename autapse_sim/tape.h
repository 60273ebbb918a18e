// The tape of a run: what every network is shown and what is kept of it, read from and written to files in the
// working folder. Sizes, schedule, stimuli and duration are data here, so changing them never compiles.
#ifndef AUTAPSE_TAPE_H
#define AUTAPSE_TAPE_H
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace autapse {

inline void fail(const std::string &what) {
    std::fprintf(stderr, "tape: %s\n", what.c_str());
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
    if (std::fread(values.data(), sizeof(T), values.size(), file) != values.size()) fail("cannot read " + name);
    std::fclose(file);
    return values;
}

template <class T> void write(const std::string &name, const T *values, size_t size) {
    std::FILE *file = open(name, "wb");
    if (std::fwrite(values, sizeof(T), size, file) != size || std::fclose(file)) fail("cannot write " + name);
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
    int64_t width;
    std::vector<int32_t> column;                     // where each element of a group finds its number in a row
    bool straight = true;                            // element for element

  public:
    Rows(const std::string &name, int64_t width) : width(width) {
        for (int64_t place : read<int64_t>(name + "_column.bin")) {
            straight = straight && place == int64_t(column.size());
            column.push_back(place);
        }
        const int file = ::open((name + ".bin").c_str(), O_RDONLY);
        struct stat about;
        if (file < 0 || fstat(file, &about)) fail("cannot open " + name);
        void *mapped = mmap(nullptr, about.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (mapped == MAP_FAILED) fail("cannot map " + name);
        close(file);
        values = static_cast<const double *>(mapped);
    }

    // Let a group see its numbers: they are read where they lie, or copied.
    void show(int64_t row, double *&group) const {
        const double *numbers = values + row * width;
        if (straight) group = const_cast<double *>(numbers);
        else copy(numbers, group);
    }

    template <class F> void show(int64_t row, F *&group) const { copy(values + row * width, group); }

  private:
    template <class F> void copy(const double *__restrict numbers, F *__restrict group) const {
        const int32_t *__restrict from = column.data();
        const size_t size = column.size();
        for (size_t element = 0; element < size; element++) group[element] = numbers[from[element]];
    }
};

struct Tape {
    std::vector<int64_t> size = read<int64_t>("size.bin");
    int64_t outputs = size[0], neurons = size[1], networks = size[2], steps = size[3], substeps = size[4];
    bool lanes = size[5];                            // whether the replicate index is innermost
    int64_t kept = size[8], tracked = size[9];
    Rows x{"x", size[6]}, y{"y", size[7]};
    std::vector<int64_t> trajectory = read<int64_t>("trajectory.bin"), learn = read<int64_t>("learn.bin"),
                         keeps = read<int64_t>("keep.bin"), traces = read<int64_t>("trace.bin"),
                         traced = read<int64_t>("traced.bin");
    std::vector<uint64_t> seeds = read<uint64_t>("seeds.bin");
    int64_t presentations = trajectory.size(), width = networks * outputs;
    std::vector<double> error, prediction;
    std::vector<std::vector<double>> tables;

    // where the tape stands
    int64_t timestep = -1, presentation = -1, step = 0, substep = 0, first_row = 0;
    bool starting = false, ending = false, learns = false, tracing = false, last = false;
    using Clock = std::chrono::steady_clock;
    Clock::time_point started, reported;

    Tape() {
#if defined(__SSE__)
        _mm_setcsr(_mm_getcsr() | 0x8040);           // denormals are zero: silent traces would cost a hundredfold
#endif
        error.assign(presentations * width, 0.0);
        prediction.assign(kept * steps * width, 0.0);
        for (size_t table = 10; table < size.size(); table++)
            tables.emplace_back(tracked * steps * size[table], 0.0);
        step = steps - 1, substep = substeps - 1;
        started = reported = Clock::now();
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
            }
        }
        starting = step == 0 && substep == 0;
        last = substep == substeps - 1;              // of this step of the stimulus
        ending = last && step == steps - 1;
        tracing = last && traces[presentation] >= 0;
        if ((timestep & 255) == 0 && Clock::now() - reported > std::chrono::milliseconds(100)) {
            reported = Clock::now();
            std::printf("progress %.4f\n", double(timestep) / (presentations * steps * substeps));
            std::fflush(stdout);
        }
        return true;
    }

    template <class F> void show(F *&stimulus, F *&target) {
        if (substep) return;
        x.show(first_row + step, stimulus), y.show(first_row + step, target);
    }

    template <class F> void keep(const F *__restrict now, const F *__restrict err) {
        if (!last) return;
        double *__restrict sum = error.data() + presentation * width;
        for (int64_t channel = 0; channel < width; channel++) sum[channel] += double(err[channel]) * err[channel];
        if (keeps[presentation] < 0) return;
        double *__restrict row = prediction.data() + (keeps[presentation] * steps + step) * width;
        for (int64_t channel = 0; channel < width; channel++) row[channel] = now[channel];
    }

    void finish() const {
        const double usage[2] = {std::chrono::duration<double>(Clock::now() - started).count(), peak()};
        write("usage.bin", usage, 2);
        write("error.bin", error), write("prediction.bin", prediction);
        for (size_t table = 0; table < tables.size(); table++)
            write("trace_" + std::to_string(table) + ".bin", tables[table]);
    }
};

inline Tape tape;

// the share of one step's update that this integration step makes: dt/step, or 0 where nothing is learned
inline double learning(int64_t) { return tape.learns ? 1.0 / tape.substeps : 0.0; }

// steps since the trajectory began, 1 at the end of the first
inline double since_start(int64_t) { return tape.step + double(tape.substep + 1) / tape.substeps; }

inline double starting(int64_t) { return tape.starting; }

inline double ending(int64_t) { return tape.ending; }

template <class C, class A, class B> inline auto choose(C condition, A yes, B no) { return condition != 0 ? yes : no; }

inline double trace(int64_t table, int64_t unit, int64_t, double value) {
    const int64_t size = table == 0 ? tape.outputs : tape.neurons;
    const int64_t network = tape.lanes ? unit % tape.networks : unit / size;
    const int64_t within = tape.lanes ? unit / tape.networks : unit % size;
    const int64_t row = tape.traces[tape.presentation], place = tape.traced[network];
    if (place < 0) return 0;
    tape.tables[table][(row * tape.steps + tape.step) * tape.size[10 + table] + place * size + within] = value;
    return 1;
}

// Random numbers as a function of the seed of a network, the time step, the place in the network and in the code: what a
// network draws does not depend on those beside it. Mixing: SplitMix64 (Steele, Lea & Flood 2014).
inline uint64_t mixed(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

inline double uniform(size_t index, size_t total, bool lanes, uint64_t place) {
    const size_t networks = tape.networks, size = total / networks;
    const size_t network = lanes ? index % networks : index / size, within = lanes ? index / networks : index % size;
    const uint64_t golden = 0x9e3779b97f4a7c15u;
    const uint64_t when = mixed(tape.seeds[network] + golden * uint64_t(tape.timestep + 1));
    return (mixed(mixed(when + golden * (within + 1)) + golden * place) >> 11) * 0x1p-53;
}

// Box & Muller
inline double normal(size_t index, size_t total, bool lanes, uint64_t place) {
    const double radius = 1 - uniform(index, total, lanes, 2 * place), angle = uniform(index, total, lanes, 2 * place + 1);
    return std::sqrt(-2 * std::log(radius)) * std::cos(6.283185307179586 * angle);
}

}  // namespace autapse
#endif
