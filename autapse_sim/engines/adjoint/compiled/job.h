// What a program reads and gives back.

template <class N> struct RoomOf  // numbers that vectors may lie in, 0 at first
{
    N *at = nullptr;
    size_t size = 0;
    N *take(size_t wanted)
    {
        size = (wanted + PACK - 1) / PACK * PACK + PACK;
        at = (N *)std::aligned_alloc(64, size * sizeof(N));
        if (!at) { std::fprintf(stderr, "there is no room for %zu numbers\n", size); std::exit(1); }
        clear();
        return at;
    }
    void clear() { std::fill_n(at, size, N(0)); }
};
typedef RoomOf<Number> Room;
typedef RoomOf<double> Wide;

template <class Number> static const Number *mapped(const std::string &name, size_t expected)
{
    const int file = open(name.c_str(), O_RDONLY);
    struct stat said;
    if (file < 0 || fstat(file, &said) || size_t(said.st_size) != expected * sizeof(Number))
    {
        std::fprintf(stderr, "%s does not hold %zu numbers\n", name.c_str(), expected);
        std::exit(1);
    }
    if (!expected) { close(file); return nullptr; }
    void *found = mmap(nullptr, said.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (found == MAP_FAILED) { std::fprintf(stderr, "%s cannot be read\n", name.c_str()); std::exit(1); }
    close(file);
    return (const Number *)found;
}

enum { W, U, b, V, c, WEIGHTS };
static const char *const WEIGHT_NAMES[] = {"W", "U", "b", "V", "c"};

// What traced networks show in a file, written trajectory by trajectory: nothing but the last one is in memory.
class Table
{
public:
    RARE void start(const char *name, size_t size, int lanes)
    {
        this->name = name, this->size = size, rows.resize(size * lanes);
        file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0666);
        if (file < 0) fail();
    }

    RARE void end() const
    {
        if (size && close(file)) fail();
    }

    explicit operator bool() const { return size; }  // whether it is asked for

    double *of(int lane) { return rows.data() + size * lane; }

    // What a lane has shown is trajectory number `place` of the file.
    RARE void put(int lane, size_t place)
    {
        const char *bytes = (const char *)of(lane);
        for (size_t done = 0, whole = size * sizeof(double); done < whole;)
        {
            const ssize_t more = pwrite(file, bytes + done, whole - done, place * whole + done);
            if (more <= 0) fail();
            done += more;
        }
    }

private:
    const char *name = nullptr;
    size_t size = 0;
    int file = -1;
    std::vector<double> rows;

    RARE void fail() const
    {
        std::fprintf(stderr, "%s cannot be written\n", name);
        std::exit(1);
    }
};

struct Sizes  // in the order in which they are given
{
    int64_t networks, sources, neurons, inputs, outputs, steps, substeps, trajectories, presentations, runs, batch;
    int64_t per_step, averaging, softmax, along_fixed, cut, traced, kept, tracked, checkpoints, states, updates;
    int64_t optimiser, room, delays, pulled, learn[WEIGHTS], sparse[WEIGHTS], dale[WEIGHTS], bounded[WEIGHTS];
};

struct Job
{
    Sizes sizes;
    int N, n, m, q, T, substeps, count, delay;  // q outputs, count integration steps, the longest delay
    std::vector<int64_t> delays;
    double epsilon, low, high, dt, step;
    const int64_t *late, *source, *traced, *trajectory, *learn, *keep, *trace, *checkpoint, *state, *runs;
    const double *x, *y, *given, *rates[2], *B, *B_rec, *F, *c_reg, *f_target, *origin[WEIGHTS];
    std::vector<double> weights[WEIGHTS];
    size_t width[WEIGHTS];
    std::vector<double> share;
    std::vector<double> squares, nats, spikes, prediction;
    Table tables[RECORDED + 2];  // errors and spikes come last

    bool learns(int which) const { return sizes.learn[which]; }
    bool exact() const { return learns(W) || learns(U) || learns(b); }
    bool reads() const { return learns(V) || learns(c); }
};
