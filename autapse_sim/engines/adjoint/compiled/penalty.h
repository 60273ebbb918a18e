// A penalty c_reg/2 sum_i (r_i - f_target)^2 on what neuron i sent in a trajectory, r_i a step, and the way back to it.
template <class M> class Penalty
{
public:
    RARE void start(int size)
    {
        this->size = size;
        strength = room[0].take(size), target = room[1].take(size), sum = room[2].take(size), pull = room[3].take(size);
    }

    // The parameters of the lanes' networks.
    RARE void take(const Job &job, const int *network)
    {
        for (int i = 0; i < job.n; i++)
            for (int l = 0; l < M::LANES; l++)
            {
                const size_t from = size_t(network[l]) * job.n + i;
                strength[i * M::LANES + l] = job.c_reg[from], target[i * M::LANES + l] = job.f_target[from] * job.step;
            }
    }

    void begin() { room[2].clear(); }

    // What was sent in an integration step.
    void count(const Number *sent)
    {
        for (int e = 0; e < size; e++) sum[e] += sent[e];
    }

    // At the end of trajectories the slope by what is sent in any step is known; lanes that show nothing have none.
    void end(const Job &job, int live)
    {
        const Number share = Number(1) / job.count;
        for (int e = 0; e < size; e++)
            pull[e] = e % M::LANES < live ? strength[e] * (sum[e] * share - target[e]) * share : 0;
    }

    // Add it to the slope by what was sent, which is nothing else where nothing was carried back.
    void enter(Number *by_sent, bool carried) const
    {
        for (int e = 0; e < size; e++) by_sent[e] = (carried ? by_sent[e] : 0) + pull[e];
    }

private:
    int size = 0;
    Room room[4];
    Number *strength, *target, *sum, *pull;
};
