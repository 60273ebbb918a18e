// Forward and backward sweeps of the lanes of a tile.

template <class M> class Tile
{
public:
    static constexpr int L = M::LANES, NETWORKS = M::NETWORKS;

    Job &job;
    int network[L], shown[L], live = 1;
    double *now[WEIGHTS];  // the weights, row by row, with the number of each network innermost

    RARE explicit Tile(Job &job) : job(job), size(M::row(job.n)), outs(M::row(job.q)), stride(stride_of(size))
    {
        const int n = job.n, m = job.m, q = job.q;
        const size_t learning = job.exact() || job.reads(), steps = learning ? job.count : 1;
        const size_t each = sizeof(Number) * stride * ((job.exact() ? SLOPES : 0) + (ALIKE ? 1 : 2));
        const bool fits = job.sizes.per_step || job.delay || RETURNED || each * steps <= size_t(job.sizes.room);
        segment = fits ? int(steps) : int(std::ceil(std::sqrt(double(steps))));
        const size_t rows = segment + 1 + job.delay, segments = (steps + segment - 1) / segment;
        saved.take(segments > 1 ? stride * (STATES + 1) * segments : 0);
        for (int w = 0; w < CONSTANTS; w++) k[w] = constant[w].take(OWN || EACH[w] ? size : 8);
        for (int w = 0; w < STATES; w++) states[w] = state[w].take(size);
        for (int w = 0; w < BARS; w++) bars[w] = bar[w].take(size);
        for (int w = 0; w < SLOPES; w++) slope[w].take(job.exact() ? stride * segment : 0);
        for (int w = 0; w < WEIGHTS; w++) now[w] = weight[w].take(job.width[w] * NETWORKS);
        const size_t areas[] = {0, M::area(n, m), 0, M::area(q, n)};
        for (int w : {U, V}) A[w] = IN_PLACE ? (Number *)now[w] : place[w].take(areas[w]);
        synapses.start(job, IN_PLACE ? (Number *)now[W] : nullptr);
        A[b] = place[2].take(size), A[c] = place[4].take(outs);
        fixed = matrix.take(size_t(n) * std::max(n, q) * NETWORKS);
        found = sums.take(*std::max_element(job.width, job.width + WEIGHTS) * NETWORKS);
        entry = place[5].take(M::area(n, q));
        G[U] = sum[1].take(M::area(n, m)), G[b] = sum[2].take(size);
        G[V] = sum[3].take(M::area(q, n)), G[c] = sum[4].take(outs);
        sent = history[0].take(stride * rows), activity = ALIKE ? sent : history[1].take(stride * rows);
        err = history[2].take(size_t(outs) * steps);
        if (RETURNED) returned.start(job, size, outs, steps);
        if (job.sizes.pulled) penalty.start(size);
        const size_t swept = job.delay ? std::max<size_t>(steps, BLOCK) : BLOCK;
        by_drive = block[0].take(stride * swept), by_input = SAME ? by_drive : block[1].take(stride * swept);
        xs = block[2].take(size_t(M::row(m)) * BLOCK);
        x = row[0].take(M::row(m)), y = row[1].take(outs), drive = row[2].take(size), input = row[3].take(size);
        spiked = row[4].take(size), predicted = row[5].take(outs), score = row[6].take(outs);
        by_activity = row[7].take(size), by_sent = row[8].take(size), within = row[9].take(size), counted = row[10].take(size);
    }

    // The lanes are those of networks from `first` on.
    RARE void take(int first)
    {
        live_networks = OWN ? std::min(L, job.N - first) : 1;
        for (int l = 0; l < L; l++) network[l] = OWN ? first + std::min(l, live_networks - 1) : first;
        double values[CONSTANTS + 1], one[PARAMETERS + 1];
        for (int i = 0; i < job.n; i++)
            for (int l = 0; l < L; l++)
            {
                const double *p = job.given + size_t(network[l]) * PARAMETERS * job.n;
                for (int w = 0; w < PARAMETERS; w++) one[w] = p[w * job.n + i];
                constants(one, job.dt, job.step, job.n, i, values);
                for (int w = 0; w < CONSTANTS; w++)
                    if (OWN || EACH[w]) constant[w].at[i * L + l] = values[w];
                    else if (i == 0) constant[w].at[0] = values[w];
            }
        for (int e = job.n * L; e < size; e++)
            for (int w = 0; w < CONSTANTS; w++)
                if (EACH[w]) constant[w].at[e] = constant[w].at[e - 1];
        for (int w = 0; w < WEIGHTS; w++) gather_networks(job.weights[w].data(), job.width[w], now[w]), pack(w);
        apart = !job.learns(W) && (!job.sizes.along_fixed || job.sizes.cut || !job.exact());
        for (size_t i = 0; apart && i < job.width[W] * NETWORKS; i++) apart = now[W][i] == 0;
        row[2].clear(), row[8].clear();
        if (job.sizes.pulled) penalty.take(job, network);
        if (RETURNED) gather_networks(job.F, size_t(job.n) * job.q, fixed), returned.take(fixed);
        if (job.sizes.along_fixed)
        {
            gather_networks(job.B, size_t(job.n) * job.q, fixed), M::pack(entry, fixed, job.n, job.q, false);
            if (!job.sizes.cut)
                gather_networks(job.B_rec, size_t(job.n) * job.n, fixed), synapses.pack_back(fixed);
        }
        for (int w = 0; w < WEIGHTS; w++) clear(w);
    }

    void clear(int which) { which == W ? synapses.clear() : sum[which].clear(); }  // nothing is summed yet

    // Of numbers of all networks, those of the lanes' networks, as weights lie in a tile; and back.
    void gather_networks(const double *all, size_t width, double *to) const
    {
        for (int l = 0; l < NETWORKS; l++)
            for (size_t i = 0; i < width; i++) to[i * NETWORKS + l] = all[network[l] * width + i];
    }

    void scatter_networks(const double *from, size_t width, double *all) const
    {
        for (int l = 0; l < live_networks; l++)
            for (size_t i = 0; i < width; i++) all[network[l] * width + i] = from[i * NETWORKS + l];
    }

    // Take over weights as they are now.
    void pack(int which)
    {
        const int n = job.n, m = job.m, q = job.q;
        const bool exact = !job.sizes.along_fixed;
        if (which == W) synapses.pack(now[W]);
        if (which == W && exact) synapses.pack_back(now[W]);
        if (which == U && !IN_PLACE) M::pack(A[U], now[U], n, m, false);
        if (which == V && !IN_PLACE) M::pack(A[V], now[V], q, n, false);
        if (which == V && exact) M::pack(entry, now[V], n, q, true);
        if (which == b || which == c)
            for (size_t i = 0; i < job.width[which]; i++)
                for (int l = 0; l < L; l++) A[which][i * L + l] = now[which][i * NETWORKS + (OWN ? l : 0)];
    }

    // Start trajectories: presentations from `first` on, one for each lane, or one for all.
    void show(int first, int count, bool learning)
    {
        live = OWN ? live_networks : count;
        for (int l = 0; l < L; l++) shown[l] = OWN ? first : first + std::min(l, count - 1);
        this->learning = learning, keeping = learning && segment == job.count, tracing = showing = false, base = 0;
        for (int l = 0; l < live; l++)
        {
            tracing = tracing || traced(l) >= 0;
            showing = showing || job.keep[shown[l]] >= 0;
            const size_t trajectory = job.source[network[l]] * job.sizes.trajectories + job.trajectory[shown[l]];
            from_x[l] = job.x + trajectory * job.T * job.m, from_y[l] = job.y + trajectory * job.T * job.q;
        }
        for (int l = 0; l < L; l++) squares[l] = nats[l] = 0;
        if (SPIKING) row[10].clear();
        if (job.sizes.pulled) penalty.begin();
        begin(size, k, A[b], states, activity_of(0), sent_of(0));
    }

    // Integration step `at`.
    void advance(int at)
    {
        if (learning && !keeping && at % segment == 0) exchange(at / segment, true);
        step(at);
        const int now = at / job.substeps;
        read(now, activity_of(at + 1), err_of(at), at % job.substeps == job.substeps - 1);
        if (RETURNED) returned.keep(learning ? at : 0, predicted);
        for (int e = 0; SPIKING && e < size; e++) counted[e] += spiked[e];
        if (job.sizes.pulled) penalty.count(sent_of(at + 1));
        if (tracing) record(at, activity_of(at + 1));
    }

    // All gradients of the trajectories that were shown.
    void learn()
    {
        for (auto &each : bar) if (each.at) each.clear();
        if (job.sizes.pulled) penalty.end(job, live);
        for (int from = (job.count - 1) / segment * segment; from >= 0; from -= segment)
        {
            const int last = std::min(from + segment, job.count) - 1;
            if (segment < job.count)  // what was not kept is computed once more
            {
                keeping = true, base = from;
                exchange(from / segment, false);
                for (int at = from; at <= last; at++) step(at);
            }
            if (job.exact()) sweep_back(last, from, 0);
            if (job.reads()) read_out(from, last);
        }
        if (job.exact()) begin_back(job.count - 1);
    }

    // Scores and spikes of what was shown.
    RARE void finish()
    {
        for (int l = 0; l < live; l++)
        {
            const size_t at = size_t(network[l]) * job.sizes.presentations + shown[l];
            job.squares[at] = squares[l];
            if (job.sizes.softmax) job.nats[at] = nats[l];
            if (SPIKING)
                for (int i = 0; i < job.n; i++) job.spikes[size_t(network[l]) * job.n + i] += counted[i * L + l];
            for (Table &table : job.tables)
                if (table && traced(l) >= 0) table.put(l, traced(l));
        }
    }

    // Add the gradients of a loss with its slopes by V o + c after the integration steps from `first` to `last`.
    void sweep(int first, int last)
    {
        for (auto &each : bar) if (each.at) each.clear();
        sweep_back(last, 0, first);
        begin_back(last);
    }

    // Add the gradients of the read-out by the errors of integration steps from `first` to `last`.
    void read_out(int first, int last)
    {
        for (int at = first; at <= last; at += BLOCK)
        {
            const int steps = std::min(BLOCK, last + 1 - at);
            if (job.learns(V)) M::outer(G[V], job.q, job.n, err_of(at), outs, activity_of(at + 1), stride, steps);
        }
        for (int at = first; at <= last; at++)
        {
            const Number *errs = err_of(at);
            for (int e = 0; e < outs; e++) G[c][e] += errs[e];
        }
    }

    // The gradient that was summed, as weights lie in a tile.
    const double *gradient(int which)
    {
        if (which == W)
        {
            synapses.gradient(found);
            return found;
        }
        const int rows = which == V ? job.q : job.n, columns = which == U ? job.m : job.n;
        const size_t width = job.width[which] * NETWORKS;
        Number *G = this->G[which];
        if (OWN || (which != b && which != c)) std::copy_n(OWN ? G : M::compact(G, rows, columns), width, found);
        else for (size_t i = 0; i < width; i++) found[i] = std::accumulate(G + i * L, G + (i + 1) * L, Number(0));
        return found;
    }

private:
    static constexpr bool IN_PLACE = M::PLAIN && DOUBLE;  // weights lie as the products read them
    int size, outs, live_networks = 1;
    int segment, base = 0;  // the integration steps that are kept at once, and the first of them
    size_t stride;
    bool learning = false, keeping = false, tracing = false, showing = false;
    bool apart = false;  // W is 0 for good, and nothing goes back along another matrix
    Room saved;  // where segments begin
    Room constant[CONSTANTS + 1], state[STATES + 1], bar[BARS + 1], slope[SLOPES + 1];
    Room place[6], sum[5], history[3], block[3], row[11];
    Number *k[CONSTANTS + 1], *states[STATES + 1], *bars[BARS + 1];
    Number *A[WEIGHTS], *G[WEIGHTS], *entry, *sent, *activity, *err, *by_drive, *by_input, *xs;
    Number *x, *y, *drive, *input, *spiked, *predicted, *score, *by_activity, *by_sent, *within, *counted;
    const double *from_x[L], *from_y[L];
    double *fixed, *found;  // a matrix of all networks, and a gradient
    Wide weight[WEIGHTS], matrix, sums;
    Returned<M> returned;
    Recurrent<M> synapses;
    Penalty<M> penalty;
    double squares[L], nats[L];  // of a trajectory

    Number *sent_of(int at) { return sent + stride * (keeping ? at - base : at % (2 + job.delay)); }
    Number *activity_of(int at) { return activity + stride * (keeping ? at - base : at % (2 + job.delay)); }
    Number *err_of(int at) { return err + size_t(outs) * (learning ? at : 0); }
    auto sent_rows() { return [this](int at) { return sent_of(at); }; }
    auto by_drive_of() const { return [this](int at) { return by_drive + stride * place_of(at); }; }

    // What neurons do in integration step `at`.
    void step(int at)
    {
        const int now = at / job.substeps;
        if (RETURNED || at % job.substeps == 0 || at == base)
            stimulus(now, x), M::template apply<SPIKING>(A[U], job.n, job.m, x, input);
        if (RETURNED && at) returned.add(predicted, input);
        if (!apart) synapses.drive(sent_rows(), at, drive);
        const bool kept = keeping && job.exact();
        Number *slopes[SLOPES + 1];
        for (int w = 0; w < SLOPES; w++) slopes[w] = slope[w].at + (kept ? stride * (at - base) : 0);
        (kept ? forward<true> : forward<false>)(
            size, k, at * job.dt, now + 1, drive, input, A[b], states, activity_of(at + 1), sent_of(at + 1), spiked, slopes);
    }

    // Put what a segment begins from aside, or take it back.
    void exchange(int which, bool aside)
    {
        Number *there = saved.at + stride * (STATES + 1) * which;
        for (int w = 0; w <= STATES; w++, there += stride)
        {
            Number *here = w < STATES ? states[w] : sent_of(which * segment);
            std::copy_n(aside ? here : there, size, aside ? there : here);
        }
    }

    // From the end of integration step `last` to the start of `end`; the errors from `first` on enter.
    void sweep_back(int last, int end, int first)
    {
        for (int at = last; at >= end; at--)
        {
            Number *const drives = by_drive + stride * place_of(at), *const inputs = by_input + stride * place_of(at);
            if (at >= first || RETURNED)
            {
                const Number *errs = err_of(at), share = at < first ? 0 : job.share[at];
                for (int e = 0; e < outs; e++) score[e] = errs[e] * share;
                if (RETURNED && at < last) returned.enter(at, by_input + stride * place_of(at + 1), score);
                M::template apply<false>(entry, job.n, job.q, score, by_activity);
            }
            else if (at == first - 1) row[7].clear();
            const bool carried = !job.sizes.cut && !apart;
            if (carried) synapses.carry(by_drive_of(), at + 1, segment < job.count ? job.count - 1 : last, by_sent);
            if (job.sizes.pulled) penalty.enter(by_sent, carried);
            Number *slopes[SLOPES + 1];
            for (int w = 0; w < SLOPES; w++) slopes[w] = slope[w].at + stride * (at - base);
            (job.learns(b) ? backward<true> : backward<false>)(
                size, k, bars, by_activity, by_sent, slopes, drives, inputs, G[b]);
            if (at % BLOCK == 0 || at == end) gather(at, std::min(last, at / BLOCK * BLOCK + BLOCK - 1) + 1 - at);
        }
    }

    int place_of(int at) const { return job.delay ? at : at % BLOCK; }  // of the slopes by what arrived; with delays all

    // What a trajectory starts from may depend on the bias.
    void begin_back(int last)
    {
        if (!BEGINS) return;
        row[7].clear(), row[8].clear();
        synapses.carry_first(by_drive_of(), last, by_sent);
        start_back(size, k, A[b], bars, by_activity, by_sent, G[b]);
    }

    // What lanes are shown in a step, of arrays of so many channels; others see `nothing`, or what the first sees.
    void gather_step(const double *const *from, int step, int channels, Number *to, bool nothing)
    {
        for (int l = 0; l < live; l++)
        {
            const double *seen = from[l] + size_t(step) * channels;
            for (int i = 0; i < channels; i++) to[i * L + l] = seen[i];
        }
        for (int l = live; l < L; l++)
            for (int i = 0; i < channels; i++) to[i * L + l] = nothing ? NAN : to[i * L];
    }

    void stimulus(int step, Number *to) { gather_step(from_x, step, job.m, to, false); }

    // Prediction and error after an integration step; it is 0 where nothing is known.
    void read(int step, const Number *activity, Number *err, bool ends)
    {
        M::template apply<false>(A[V], job.q, job.n, activity, predicted);
        for (int e = 0; e < outs; e++) predicted[e] += A[c][e];
        gather_step(from_y, step, job.q, y, true);
        if (job.sizes.softmax) soften(ends);
        const Number once = ends ? 1 : 0;
        for (int i = 0; i < job.q; i++)
            for (int l = 0; l < L; l++)
            {
                const int e = i * L + l;
                const Number off = pick(y[e] == y[e], predicted[e] - y[e], 0);
                err[e] = off, squares[l] += once * off * off;
            }
        if (ends && showing) show_prediction(step);
    }

    // The softmax of what was predicted, and its cross-entropy.
    RARE void soften(bool ends)
    {
        for (int l = 0; l < live; l++)
        {
            double most = predicted[l], sum = 0;
            for (int i = 1; i < job.q; i++) most = std::max(most, double(predicted[i * L + l]));
            for (int i = 0; i < job.q; i++) sum += std::exp(predicted[i * L + l] - most);
            const double whole = most + std::log(sum);
            for (int i = 0; i < job.q; i++)
            {
                const int e = i * L + l;
                const double log = predicted[e] - whole;
                if (ends && y[e] == y[e]) nats[l] -= y[e] * log;
                predicted[e] = std::exp(log);
            }
        }
    }

    RARE void show_prediction(int step)
    {
        for (int l = 0; l < live; l++)
        {
            const int64_t table = job.keep[shown[l]];
            if (table < 0) continue;
            const size_t at = (size_t(table) * job.N + network[l]) * job.T + step;
            for (int i = 0; i < job.q; i++) job.prediction[at * job.q + i] = predicted[i * L + l];
        }
    }

    // Which of all traced trajectories a lane shows, or -1.
    int64_t traced(int l) const
    {
        const int64_t row = job.trace[shown[l]], which = job.traced[network[l]];
        return row < 0 || which < 0 ? -1 : row * job.sizes.traced + which;
    }

    // What traced networks show of an integration step.
    RARE void record(int at, const Number *activity)
    {
        if (at % job.substeps == 0) std::fill_n(within, size, 0.0);
        for (int e = 0; SPIKING && e < size; e++) within[e] += spiked[e];
        if (at % job.substeps != job.substeps - 1) return;
        for (int w = 0; w < RECORDED + 2; w++)
        {
            if (!job.tables[w]) continue;
            const Number *own = RECORDS[w] < 0 ? activity : states[RECORDS[w]];
            const Number *from = w == RECORDED ? err_of(at) : w > RECORDED ? within : own;
            const int width = w == RECORDED ? job.q : job.n;
            for (int l = 0; l < live; l++)
            {
                double *to = job.tables[w].of(l) + size_t(at / job.substeps) * width;
                for (int i = 0; i < width; i++) to[i] = from[i * L + l];
            }
        }
    }

    // Sum the outer products of so many integration steps from `at` on that were swept.
    void gather(int at, int steps)
    {
        const size_t from = stride * place_of(at);
        if (job.learns(W)) synapses.gather(sent_rows(), by_drive + from, stride, at, steps);
        if (!job.learns(U)) return;
        const size_t wide = M::row(job.m);
        for (int s = 0; s < steps; s++) stimulus((at + s) / job.substeps, xs + wide * s);
        M::outer(G[U], job.n, job.m, by_input + from, stride, xs, wide, steps);
    }
};
