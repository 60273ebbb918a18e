// A job: what is shown when, what is learned of it, and what is kept.

static Job job;

RARE static std::vector<double> copied(const std::string &name, size_t size)
{
    const double *found = mapped<double>(name, size);
    return std::vector<double>(found, found + size);
}

RARE static void written(const std::string &name, const std::vector<double> &values)
{
    std::FILE *file = std::fopen(name.c_str(), "wb");
    if (!file || std::fwrite(values.data(), 8, values.size(), file) != values.size() || std::fclose(file))
    {
        std::fprintf(stderr, "%s cannot be written\n", name.c_str());
        std::exit(1);
    }
}

// Most memory that this process had at once, in bytes; 0 where the system does not tell.
RARE static double most_memory()
{
    long kilobytes = 0;
    char line[256];
    std::FILE *status = std::fopen("/proc/self/status", "r");
    while (status && std::fgets(line, sizeof line, status))
        if (std::sscanf(line, "VmHWM: %ld", &kilobytes) == 1) break;
    if (status) std::fclose(status);
    return kilobytes * 1024.0;
}

// How a gradient becomes a change, see the optimisers in NumPy.
class Optimiser
{
public:
    enum { SGD, MOMENTUM, ADAM, ADAM_HAT };

    RARE void start(int which, bool going_on)
    {
        this->which = which;
        const size_t size = job.width[which] * job.N;
        for (int a = 0; a < memories(); a++)
        {
            const std::string name = std::string(WEIGHT_NAMES[which]) + memory_name(a);
            memory[a] = going_on ? copied(name + ".start", size) : std::vector<double>(size, 0.0);
            kept[a].resize(size * job.sizes.states);
        }
        checkpoints.resize(size * job.sizes.checkpoints);
    }

    // Move the weights of a network along a gradient.
    void change(int network, int64_t updates, const double *gradient, double share)
    {
        const size_t size = job.width[which];
        double *__restrict w = job.weight(which, network);
        double *__restrict first = memory[0].data() + (memories() ? size * network : 0);
        double *__restrict second = memory[1].data() + (memories() > 1 ? size * network : 0);
        const double rate = job.rates[which >= V][network], epsilon = job.epsilon;
        const double one = 1 - std::pow(0.9, double(updates)), two = 1 - std::pow(0.999, double(updates));
        const int64_t kind = job.sizes.optimiser;
        if (kind == SGD)
            for (size_t i = 0; i < size; i++) w[i] -= rate * (gradient[i] * share);
        else if (kind == MOMENTUM)
            for (size_t i = 0; i < size; i++)
            {
                first[i] = 0.9 * first[i] + gradient[i] * share;
                w[i] -= rate * first[i];
            }
        else
            for (size_t i = 0; i < size; i++)
            {
                const double g = gradient[i] * share;
                first[i] = 0.9 * first[i] + (1 - 0.9) * g;
                second[i] = 0.999 * second[i] + (1 - 0.999) * g * g;
                const double change = kind == ADAM
                                          ? first[i] / one / (std::sqrt(second[i] / two) + epsilon)
                                          : std::sqrt(two) / one * first[i] / (std::sqrt(second[i]) + epsilon);
                w[i] -= rate * change;
            }
        if (which <= U && job.origin[which]) limit(w, job.origin[which] + size * network, size);
    }

    // Keep the weights, and what goes on beside them, in a row of what is asked for.
    RARE void note(int network, int64_t checkpoint, int64_t state)
    {
        const size_t size = job.width[which];
        const double *w = job.weight(which, network);
        if (checkpoint >= 0) std::copy_n(w, size, &checkpoints[(checkpoint * job.N + network) * size]);
        for (int a = 0; a < memories() && state >= 0; a++)
            std::copy_n(&memory[a][network * size], size, &kept[a][(state * job.N + network) * size]);
    }

    RARE void write() const
    {
        const std::string name = WEIGHT_NAMES[which];
        written(name + ".out", job.weights[which]);
        written(name + ".checkpoint", checkpoints);
        for (int a = 0; a < memories(); a++) written(name + memory_name(a) + ".state", kept[a]);
    }

private:
    int which = W;
    std::vector<double> memory[2], kept[2], checkpoints;

    static int memories() { return job.sizes.optimiser == SGD ? 0 : job.sizes.optimiser == MOMENTUM ? 1 : 2; }
    static const char *memory_name(int a)
    {
        return job.sizes.optimiser == MOMENTUM ? "_velocity" : a ? "_square" : "_moment";
    }

    RARE static void limit(double *w, const double *origin, size_t size)
    {
        for (size_t i = 0; i < size; i++)
        {
            if (job.sizes.sparse && origin[i] == 0) w[i] = 0;
            if (job.sizes.dale && w[i] * sign(origin[i]) < 0) w[i] = 0;
            if (job.sizes.bounded) w[i] = clip(w[i], job.low, job.high);
        }
    }
};

class Player
{
public:
    Player() : tile(job)
    {
        for (int w = 0; w < WEIGHTS; w++)
            if (job.learns(w)) optimisers[w].start(w, job.sizes.updates > 0);
    }

    void play()
    {
        const int together = OWN ? Lanes::LANES : 1;
        for (int first = 0; first < job.N; first += together)
        {
            tile.take(first);
            seen = 0, updates = job.sizes.updates;
            for (int64_t run = 0; run < job.sizes.runs; run++)
            {
                present(int(job.runs[2 * run]), int(job.runs[2 * run + 1]));
                tell((first + together * double(run + 1) / job.sizes.runs) / job.N);
            }
        }
    }

    RARE void write() const
    {
        for (int w = 0; w < WEIGHTS; w++)
            if (job.learns(w)) optimisers[w].write();
    }

private:
    Tile<Lanes> tile;
    Optimiser optimisers[WEIGHTS];
    int64_t seen = 0, updates = 0;
    std::vector<double> gradients[8];
    std::chrono::steady_clock::time_point told = std::chrono::steady_clock::now();

    RARE void tell(double share)
    {
        const auto now = std::chrono::steady_clock::now();
        if (now - told < std::chrono::milliseconds(100)) return;
        told = now;
        std::printf("progress %.4f\n", std::min(share, 1.0));
        std::fflush(stdout);
    }

    // Presentations of one kind and within one batch, as many at once as there are lanes.
    void present(int first, int last)
    {
        const bool learning = job.learn[first] && (job.exact() || job.reads());
        for (int p = first; p < last - 1; p++) note(p);
        const int together = OWN ? 1 : Lanes::LANES;
        for (int p = first; p < last; p += together)
        {
            const int count = std::min(together, last - p);
            tile.show(p, count, learning);
            if (learning && job.sizes.per_step) each_step();
            else
            {
                for (int at = 0; at < job.count; at++) tile.advance(at);
                if (learning) tile.learn();
            }
            tile.finish();
            seen += job.learn[first] ? count : 0;
        }
        if (learning && !job.sizes.per_step && seen == job.sizes.batch) change();
        seen %= job.sizes.batch;
        note(last - 1);
    }

    // An update after each step, from the past unrolled with the weights of now. What the read-out learns from the
    // integration steps within a step comes at once where nothing is remembered of them.
    void each_step()
    {
        for (int first = 0; first < job.count; first += job.substeps)
        {
            const int last = first + job.substeps - 1;
            for (int at = first; at <= last; at++)
            {
                tile.advance(at);
                if (job.reads()) tile.read_out(at, at);
                if (at < last && job.sizes.optimiser == Optimiser::SGD) move(V);
            }
            if (job.exact()) tile.sweep(first, last);
            change();
        }
    }

    // An update by what was summed.
    void change()
    {
        updates++;
        move(W);
    }

    // Move the weights from `first` on.
    void move(int first)
    {
        const double share = 1.0 / (job.sizes.per_step ? 1 : job.sizes.batch);
        for (int w = first; w < WEIGHTS; w++)
        {
            if (!job.learns(w)) continue;
            tile.total_of(w, gradients);
            for (int l = 0; l < tile.networks(); l++)
                optimisers[w].change(tile.network[l], updates, gradients[l].data(), w < V ? share : share / job.substeps);
        }
        for (int w = first; w < WEIGHTS; w++)
            if (job.learns(w)) tile.pack(w), tile.clear(w);
    }

    void note(int p)
    {
        if (job.checkpoint[p] < 0 && job.state[p] < 0) return;
        for (int w = 0; w < WEIGHTS; w++)
            for (int l = 0; job.learns(w) && l < tile.networks(); l++)
                optimisers[w].note(tile.network[l], job.checkpoint[p], job.state[p]);
    }
};

RARE static void read_job()
{
    job.sizes = *mapped<Sizes>("sizes.bin", 1);
    const Sizes &s = job.sizes;
    job.N = s.networks, job.n = s.neurons, job.m = s.inputs, job.q = s.outputs;
    job.T = s.steps, job.substeps = s.substeps, job.count = s.steps * s.substeps;
    const size_t N = job.N, n = job.n, m = job.m, q = job.q, P = s.presentations;
    const double *reals = mapped<double>("reals.bin", 5);
    job.epsilon = reals[0], job.low = reals[1], job.high = reals[2], job.dt = reals[3], job.step = reals[4];
    job.source = mapped<int64_t>("source.bin", N), job.traced = mapped<int64_t>("traced.bin", N);
    const int64_t *schedule = mapped<int64_t>("schedule.bin", 6 * P);
    job.trajectory = schedule, job.learn = schedule + P, job.keep = schedule + 2 * P, job.trace = schedule + 3 * P;
    job.checkpoint = schedule + 4 * P, job.state = schedule + 5 * P;
    job.runs = mapped<int64_t>("runs.bin", 2 * s.runs);
    const size_t shown = size_t(s.sources) * s.trajectories * job.T;
    job.x = mapped<double>("x.bin", shown * m), job.y = mapped<double>("y.bin", shown * q);
    job.given = mapped<double>("parameters.bin", N * n * PARAMETERS);
    job.rates[0] = mapped<double>("eta.bin", N), job.rates[1] = mapped<double>("eta_out.bin", N);
    const size_t width[] = {n * n, n * m, n, q * n, q};
    for (int w = 0; w < WEIGHTS; w++)
    {
        job.width[w] = width[w];
        job.weights[w] = copied(std::string(WEIGHT_NAMES[w]) + ".bin", N * width[w]);
    }
    job.B = s.along_fixed ? mapped<double>("B.bin", N * n * q) : nullptr;
    job.B_rec = s.along_fixed ? mapped<double>("B_rec.bin", N * n * n) : nullptr;
    const bool limited = s.sparse || s.dale || s.bounded;
    job.origin[W] = limited ? mapped<double>("W.origin", N * n * n) : nullptr;
    job.origin[U] = limited ? mapped<double>("U.origin", N * n * m) : nullptr;
    for (int at = 0; at < job.count; at++)
        job.share.push_back(s.averaging ? 1.0 / (at + 1) : 1.0 / job.substeps);
    job.squares.resize(N * P), job.nats.resize(s.softmax ? N * P : 0), job.spikes.resize(SPIKING ? N * n : 0);
    job.prediction.resize(s.kept * N * job.T * q);
    const size_t tracked = size_t(s.tracked) * s.traced * job.T;
    job.errors.resize(tracked * q), job.spiked.resize(SPIKING ? tracked * n : 0);
    job.traces.assign(RECORDED, std::vector<double>(tracked * n));
}

int main()
{
#if defined(__SSE__)
    _mm_setcsr(_mm_getcsr() | 0x8040);  // denormals are zero
#endif
    read_job();
    Player player;
    const auto start = std::chrono::steady_clock::now();
    player.play();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    player.write();
    written("squares.out", job.squares), written("prediction.out", job.prediction), written("error.out", job.errors);
    if (job.sizes.softmax) written("nats.out", job.nats);
    if (SPIKING) written("total.out", job.spikes), written("spikes.out", job.spiked);
    for (int w = 0; w < RECORDED; w++) written(std::string(NAMES[w]) + ".trace", job.traces[w]);
    written("told.out", {seconds, most_memory()});
    return 0;
}
