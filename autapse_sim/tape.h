// The tape of a run: what every network is shown and what is kept of it, read from and written to files in the
// working folder. Sizes, schedule, stimuli and duration are data here, so changing them never compiles.
#ifndef AUTAPSE_TAPE_H
#define AUTAPSE_TAPE_H
#include <chrono>
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

template <class T> std::vector<T> read(const char *name) {
    std::FILE *file = std::fopen(name, "rb");
    if (!file) fail(std::string("cannot read ") + name);
    std::fseek(file, 0, SEEK_END);
    std::vector<T> values(std::ftell(file) / sizeof(T));
    std::rewind(file);
    if (std::fread(values.data(), sizeof(T), values.size(), file) != values.size())
        fail(std::string("cannot read ") + name);
    std::fclose(file);
    return values;
}

template <class T> void write(const std::string &name, const std::vector<T> &values) {
    std::FILE *file = std::fopen(name.c_str(), "wb");
    if (!file || std::fwrite(values.data(), sizeof(T), values.size(), file) != values.size() || std::fclose(file))
        fail("cannot write " + name);
}

struct Tape {
    std::vector<double> x, y, error, prediction;     // x, y: (trajectory, step, source * channel)
    std::vector<int64_t> size, trajectory, learn, keep, trace, traced, x_column, y_column;
    std::vector<std::vector<double>> traces;
    int64_t inputs, outputs, neurons, steps, substeps, presentations, x_width, y_width, kept, tracked;
    double dt;

    // where the tape stands
    int64_t now = -1, presentation = 0, step = 0, substep = 0;
    const double *x_row = nullptr, *y_row = nullptr;
    std::chrono::steady_clock::time_point reported;

    Tape() {
#if defined(__SSE__)
        _mm_setcsr(_mm_getcsr() | 0x8040);           // denormals are zero: silent traces would cost a hundredfold
#endif
        size = read<int64_t>("size.bin");
        inputs = size[0], outputs = size[1], neurons = size[2], steps = size[3], substeps = size[4];
        x_width = size[5], y_width = size[6], kept = size[7], tracked = size[8];
        dt = read<double>("dt.bin")[0];
        x = read<double>("x.bin"), y = read<double>("y.bin");
        trajectory = read<int64_t>("trajectory.bin"), learn = read<int64_t>("learn.bin");
        keep = read<int64_t>("keep.bin"), trace = read<int64_t>("trace.bin"), traced = read<int64_t>("traced.bin");
        x_column = read<int64_t>("x_column.bin"), y_column = read<int64_t>("y_column.bin");
        presentations = trajectory.size();
        error.assign(presentations * y_column.size(), 0.0);
        prediction.assign(kept * steps * y_column.size(), 0.0);
        for (size_t table = 9; table < size.size(); table++)
            traces.emplace_back(tracked * steps * size[table], 0.0);
        reported = std::chrono::steady_clock::now();
    }

    void move(int64_t timestep) {
        now = timestep;
        substep = timestep % substeps;
        step = timestep / substeps % steps;
        presentation = timestep / substeps / steps;
        const int64_t row = trajectory[presentation] * steps + step;
        x_row = x.data() + row * x_width, y_row = y.data() + row * y_width;
        if ((timestep & 255) == 0) {
            const auto clock = std::chrono::steady_clock::now();
            if (clock - reported > std::chrono::milliseconds(100)) {
                reported = clock;
                std::printf("progress %.4f\n", double(timestep) / (presentations * steps * substeps));
                std::fflush(stdout);
            }
        }
    }

    double duration() const { return presentations * steps * substeps * dt; }

    void finish() const {
        write("error.bin", error), write("prediction.bin", prediction);
        for (size_t table = 0; table < traces.size(); table++)
            write("trace_" + std::to_string(table) + ".bin", traces[table]);
    }
};

inline Tape tape;

inline Tape &at(int64_t timestep) {
    if (tape.now != timestep) tape.move(timestep);
    return tape;
}

inline double stimulus(int64_t channel, int64_t timestep) {
    const Tape &now = at(timestep);
    return now.x_row[now.x_column[channel]];
}

inline double target(int64_t channel, int64_t timestep) {
    const Tape &now = at(timestep);
    return now.y_row[now.y_column[channel]];
}

// the share of one step's update that this integration step makes: dt/step, or 0 where nothing is learned
inline double learning(int64_t timestep) {
    const Tape &now = at(timestep);
    return now.learn[now.presentation] ? 1.0 / now.substeps : 0.0;
}

// steps since the trajectory began, 1 at the end of the first
inline double since_start(int64_t timestep) {
    const Tape &now = at(timestep);
    return now.step + double(now.substep + 1) / now.substeps;
}

inline double starting(int64_t timestep) {
    const Tape &now = at(timestep);
    return now.step == 0 && now.substep == 0;
}

inline double ending(int64_t timestep) {
    const Tape &now = at(timestep);
    return now.step == now.steps - 1 && now.substep == now.substeps - 1;
}

inline double choose(double condition, double yes, double no) { return condition != 0 ? yes : no; }

inline double keep(int64_t channel, int64_t timestep, double prediction, double err) {
    Tape &now = at(timestep);
    if (now.substep != now.substeps - 1) return 0;
    const int64_t width = now.y_column.size(), row = now.keep[now.presentation];
    now.error[now.presentation * width + channel] += err * err;
    if (row >= 0) now.prediction[(row * now.steps + now.step) * width + channel] = prediction;
    return 1;
}

inline double trace(int64_t table, int64_t unit, int64_t timestep, double value) {
    Tape &now = at(timestep);
    const int64_t row = now.trace[now.presentation];
    if (row < 0 || now.substep != now.substeps - 1) return 0;
    const int64_t per_network = table == 0 ? now.outputs : now.neurons, place = now.traced[unit / per_network];
    if (place < 0) return 0;
    now.traces[table][(row * now.steps + now.step) * now.size[9 + table] + place * per_network + unit % per_network] =
        value;
    return 1;
}

}  // namespace autapse
#endif
