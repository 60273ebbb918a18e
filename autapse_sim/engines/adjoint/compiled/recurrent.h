// The recurrent synapses of a tile: a matrix for each delay that there is, in which the synapses with others are 0.
template <class M> class Recurrent
{
public:
    // With one delay the matrix may be W itself, where it lies.
    RARE void start(const Job &job, Number *in_place)
    {
        n = job.n, width = size_t(n) * n, size = M::row(n), which = job.late, late.resize(job.delays.size());
        const size_t area = M::area(n, n);
        for (size_t g = 0; g < late.size(); g++)
        {
            late[g].delay = job.delays[g];
            late[g].forth = in_place && late.size() == 1 ? in_place : late[g].room[0].take(area);
            late[g].back = late[g].room[1].take(area), late[g].gradient = late[g].room[2].take(area);
        }
        whole = in_place == late[0].forth;
        other = row.take(size), masked = part.take(late.size() > 1 ? width * M::NETWORKS : 0);
    }

    // Take over W, or what carries slopes back.
    void pack(const double *W)
    {
        for (size_t g = 0; g < late.size() && !whole; g++) M::pack(late[g].forth, with(g, W), n, n, false);
    }
    void pack_back(const double *W)
    {
        for (size_t g = 0; g < late.size(); g++) M::pack(late[g].back, with(g, W), n, n, true);
    }

    // What arrives in integration step `at`.
    template <class Rows> void drive(const Rows &sent_of, int at, Number *to)
    {
        for (const Late &each : late)
        {
            Number *const found = &each == &late[0] ? to : other;
            M::template apply<SPIKING>(each.forth, n, n, sent_of(std::max(at - each.delay, 0)), found);
            if (found == other) add(to);
        }
    }

    // The slope by what was sent before integration step `at`, from those by what arrived up to `last`.
    template <class Rows> void carry(const Rows &by_drive, int at, int last, Number *to)
    {
        bool first = true;
        for (const Late &each : late)
        {
            if (at + each.delay > last) continue;
            M::template apply<false>(each.back, n, n, by_drive(at + each.delay), first ? to : other);
            if (!first) add(to);
            first = false;
        }
        if (first) std::fill_n(to, size, Number(0));
    }

    // Add that by what a trajectory starts with, which is heard until the first delay is over.
    template <class Rows> void carry_first(const Rows &by_drive, int last, Number *to)
    {
        for (const Late &each : late)
            for (int at = 0; at <= std::min(each.delay, last); at++)
                M::template apply<false>(each.back, n, n, by_drive(at), other), add(to);
    }

    // Sum the outer products of so many integration steps from `at` on; `by_drive` lie one after the other.
    template <class Rows> void gather(const Rows &sent_of, const Number *by_drive, size_t stride, int at, int steps)
    {
        for (const Late &each : late)
        {
            const int early = std::min(std::max(each.delay - at, 0), steps);  // hear how the trajectory started
            if (early) M::outer(each.gradient, n, n, by_drive, stride, sent_of(0), 0, early);
            if (early < steps)
                M::outer(each.gradient, n, n, by_drive + stride * early, stride, sent_of(at + early - each.delay),
                         stride, steps - early);
        }
    }

    void clear() { for (Late &each : late) each.room[2].clear(); }

    // The gradient that was summed, as weights lie in a tile.
    void gradient(double *to)
    {
        for (size_t g = 0; g < late.size(); g++)
        {
            const Number *from = M::OWN ? late[g].gradient : M::compact(late[g].gradient, n, n);
            if (late.size() == 1) std::copy_n(from, width * M::NETWORKS, to);
            else
                for (size_t i = 0; i < width; i++)
                    if (size_t(which[i]) == g) std::copy_n(from + i * M::NETWORKS, M::NETWORKS, to + i * M::NETWORKS);
        }
    }

private:
    struct Late
    {
        int delay = 0;
        Number *forth = nullptr, *back = nullptr, *gradient = nullptr;
        Room room[3];
    };
    int n = 0, size = 0;
    size_t width = 0;
    bool whole = false;  // the matrix is W itself
    const int64_t *which = nullptr;  // the number of each synapse's delay
    std::vector<Late> late;
    Number *other = nullptr;
    double *masked = nullptr;
    Room row;
    Wide part;

    void add(Number *to) const { for (int e = 0; e < size; e++) to[e] += other[e]; }

    const double *with(size_t g, const double *W)
    {
        if (late.size() == 1) return W;
        for (size_t i = 0; i < width; i++)
            for (int l = 0; l < M::NETWORKS; l++)
                masked[i * M::NETWORKS + l] = size_t(which[i]) == g ? W[i * M::NETWORKS + l] : 0;
        return masked;
    }
};
