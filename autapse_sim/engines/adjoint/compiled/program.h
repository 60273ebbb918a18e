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

// How gradients of a weight become changes of it, see the optimisers in NumPy. What it remembers lies as the weights of
// a tile do, and is kept for all networks in `memory`.
class Optimiser
{
public:
    enum { SGD, MOMENTUM, ADAM, ADAM_HAT };

    RARE void start(int which, bool going_on)
    {
        this->which = which, width = job.width[which];
        const size_t all = width * job.N;
        for (int a = 0; a < memories(); a++)
        {
            const std::string name = std::string(WEIGHT_NAMES[which]) + memory_name(a);
            memory[a] = going_on ? copied(name + ".start", all) : std::vector<double>(all, 0.0);
            kept[a].resize(all * job.sizes.states);
            here[a].take(width * NETWORKS);
        }
        checkpoints.resize(all * job.sizes.checkpoints);
        rate.take(NETWORKS);
        limited = job.origin[which];
        origin.take(limited ? width * NETWORKS : 0);
    }

    RARE void take(const Tile<Lanes> &tile)
    {
        for (int a = 0; a < memories(); a++) tile.gather_networks(memory[a].data(), width, here[a].at);
        tile.gather_networks(job.rates[which >= V], 1, rate.at);
        if (limited) tile.gather_networks(job.origin[which], width, origin.at);
    }

    RARE void put(const Tile<Lanes> &tile)
    {
        tile.scatter_networks(tile.now[which], width, job.weights[which].data());
        for (int a = 0; a < memories(); a++) tile.scatter_networks(here[a].at, width, memory[a].data());
    }

    // Move weights along a gradient times a share.
    void change(double *__restrict w, const double *__restrict gradient, double share, int64_t updates)
    {
        const double *__restrict rates = rate.at;
        double *__restrict first = here[0].at;
        if (job.sizes.optimiser == SGD)
            for (size_t i = 0; i < width; i++)
                for (int l = 0; l < NETWORKS; l++)
                    w[i * NETWORKS + l] -= rates[l] * (gradient[i * NETWORKS + l] * share);
        else if (job.sizes.optimiser == MOMENTUM)
            for (size_t i = 0; i < width; i++)
                for (int l = 0; l < NETWORKS; l++)
                {
                    const size_t e = i * NETWORKS + l;
                    first[e] = 0.9 * first[e] + gradient[e] * share;
                    w[e] -= rates[l] * first[e];
                }
        else adam(w, gradient, share, updates);
        if (limited) limit(w);
    }

    // Keep the weights, and what goes on beside them, in a row of what is asked for.
    RARE void note(const Tile<Lanes> &tile, int64_t checkpoint, int64_t state)
    {
        const size_t all = width * job.N;
        if (checkpoint >= 0) tile.scatter_networks(tile.now[which], width, checkpoints.data() + checkpoint * all);
        for (int a = 0; a < memories() && state >= 0; a++)
            tile.scatter_networks(here[a].at, width, kept[a].data() + state * all);
    }

    RARE void write() const
    {
        const std::string name = WEIGHT_NAMES[which];
        written(name + ".out", job.weights[which]);
        written(name + ".checkpoint", checkpoints);
        for (int a = 0; a < memories(); a++) written(name + memory_name(a) + ".state", kept[a]);
    }

private:
    static constexpr int NETWORKS = Lanes::NETWORKS;
    int which = W;
    size_t width = 0;
    bool limited = false;
    std::vector<double> memory[2], kept[2], checkpoints;
    Wide here[2], rate, origin;

    static int memories() { return job.sizes.optimiser == SGD ? 0 : job.sizes.optimiser == MOMENTUM ? 1 : 2; }
    static const char *memory_name(int a)
    {
        return job.sizes.optimiser == MOMENTUM ? "_velocity" : a ? "_square" : "_moment";
    }

    void adam(double *__restrict w, const double *__restrict gradient, double share, int64_t updates)
    {
        const double *__restrict rates = rate.at;
        double *__restrict first = here[0].at, *__restrict second = here[1].at;
        const double one = 1 - std::pow(0.9, double(updates)), two = 1 - std::pow(0.999, double(updates));
        const bool hat = job.sizes.optimiser == ADAM_HAT;
        const double inner = hat ? 1 : two, outer = hat ? std::sqrt(two) / one : 1 / one, epsilon = job.epsilon;
        for (size_t i = 0; i < width; i++)
            for (int l = 0; l < NETWORKS; l++)
            {
                const size_t e = i * NETWORKS + l;
                const double g = gradient[e] * share;
                first[e] = 0.9 * first[e] + (1 - 0.9) * g;
                second[e] = 0.999 * second[e] + (1 - 0.999) * g * g;
                w[e] -= rates[l] * (outer * first[e] / (std::sqrt(second[e] / inner) + epsilon));
            }
    }

    RARE void limit(double *w) const
    {
        for (size_t e = 0; e < width * NETWORKS; e++)
        {
            if (job.sizes.sparse[which] && origin.at[e] == 0) w[e] = 0;
            if (job.sizes.dale[which] && w[e] * sign(origin.at[e]) < 0) w[e] = 0;
            if (job.sizes.bounded[which]) w[e] = clip(w[e], job.low, job.high);
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
            for (int w = 0; w < WEIGHTS; w++)
                if (job.learns(w)) optimisers[w].take(tile);
            seen = 0, updates = job.sizes.updates;
            for (int64_t run = 0; run < job.sizes.runs; run++)
            {
                present(int(job.runs[2 * run]), int(job.runs[2 * run + 1]));
                tell((first + together * double(run + 1) / job.sizes.runs) / job.N);
            }
            for (int w = 0; w < WEIGHTS; w++)
                if (job.learns(w)) optimisers[w].put(tile);
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
            optimisers[w].change(tile.now[w], tile.gradient(w), w < V ? share : share / job.substeps, updates);
            tile.pack(w), tile.clear(w);
        }
    }

    void note(int p)
    {
        if (job.checkpoint[p] < 0 && job.state[p] < 0) return;
        for (int w = 0; w < WEIGHTS; w++)
            if (job.learns(w)) optimisers[w].note(tile, job.checkpoint[p], job.state[p]);
    }
};

RARE static void read_job()
{
    job.sizes = *mapped<Sizes>("sizes.bin", 1);
    const Sizes &s = job.sizes;
    job.N = s.networks, job.n = s.neurons, job.m = s.inputs, job.q = s.outputs;
    job.T = s.steps, job.substeps = s.substeps, job.count = s.steps * s.substeps;
    const int64_t *delays = mapped<int64_t>("delays.bin", s.delays);
    job.delays.assign(delays, delays + s.delays), job.delay = *std::max_element(delays, delays + s.delays);
    job.late = mapped<int64_t>("late.bin", size_t(job.n) * job.n);
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
    job.B_rec = s.along_fixed && !s.cut ? mapped<double>("B_rec.bin", N * n * n) : nullptr;
    job.F = RETURNED ? mapped<double>("F.bin", N * n * q) : nullptr;
    job.c_reg = s.pulled ? mapped<double>("c_reg.bin", N * n) : nullptr;
    job.f_target = s.pulled ? mapped<double>("f_target.bin", N * n) : nullptr;
    for (int w = 0; w < WEIGHTS; w++)
    {
        const bool limited = s.sparse[w] || s.dale[w] || s.bounded[w];
        job.origin[w] = limited ? mapped<double>(std::string(WEIGHT_NAMES[w]) + ".origin", N * width[w]) : nullptr;
    }
    for (int at = 0; at < job.count; at++)
        job.share.push_back(s.averaging ? 1.0 / (at + 1) : 1.0 / job.substeps);
    job.squares.resize(N * P), job.nats.resize(s.softmax ? N * P : 0), job.spikes.resize(SPIKING ? N * n : 0);
    job.prediction.resize(s.kept * N * job.T * q);
    const int64_t *asked = mapped<int64_t>("asked.bin", RECORDED + 2);
    for (int w = 0; w < RECORDED + 2; w++)
        if (asked[w]) job.tables[w].start(FILES[w], job.T * (w == RECORDED ? q : n), Lanes::LANES);
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
    written("squares.out", job.squares), written("prediction.out", job.prediction);
    if (job.sizes.softmax) written("nats.out", job.nats);
    if (SPIKING) written("total.out", job.spikes);
    for (Table &table : job.tables) table.end();
    written("told.out", {seconds, most_memory()});
    return 0;
}
