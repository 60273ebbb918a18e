// What neurons are told of the prediction of the integration step before, F times it, and the way back through that.
template <class M> class Returned
{
public:
    RARE void start(const Job &job, int size, int outs, size_t steps)
    {
        n = job.n, q = job.q, this->size = size, this->outs = outs, softmax = job.sizes.softmax;
        forth = room[0].take(M::area(n, q)), back = room[1].take(M::area(q, n));
        told = room[2].take(size), slope = room[3].take(outs), shown = room[4].take(size_t(outs) * steps);
    }

    // F as the networks of a tile have it.
    RARE void take(const double *F) { M::pack(forth, F, n, q, false), M::pack(back, F, q, n, true); }

    // Add to what arrives what is told of a prediction.
    void add(const Number *predicted, Number *input)
    {
        M::template apply<false>(forth, n, q, predicted, told);
        for (int e = 0; e < size; e++) input[e] += told[e];
    }

    // Keep what was predicted after integration step `at`.
    void keep(int at, const Number *predicted) { std::copy_n(predicted, outs, shown + size_t(outs) * at); }

    // Add the slope by V o + c after integration step `at`, from those by what arrives in the next one.
    void enter(int at, const Number *by_input, Number *score)
    {
        constexpr int L = M::LANES;
        M::template apply<false>(back, q, n, by_input, slope);
        const Number *p = shown + size_t(outs) * at;
        for (int l = 0; softmax && l < L; l++)
        {
            Number mean = 0;
            for (int i = 0; i < q; i++) mean += p[i * L + l] * slope[i * L + l];
            for (int i = 0; i < q; i++) slope[i * L + l] = p[i * L + l] * (slope[i * L + l] - mean);
        }
        for (int e = 0; e < outs; e++) score[e] += slope[e];
    }

private:
    int n = 0, q = 0, size = 0, outs = 0;
    bool softmax = false;
    Room room[5];
    Number *forth, *back, *told, *slope, *shown;
};
