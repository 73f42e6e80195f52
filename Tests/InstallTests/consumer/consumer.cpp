// A C++ program with the installed library: options and labels against a sum over all pairs, and the gradient against
// central differences of that sum.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <map>
#include <vector>

#include <pullpush.h>

using Matrix = std::vector<std::vector<double>>;

static double inner(const std::vector<double> &a, const std::vector<double> &b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); i++) sum += a[i] * b[i];
    return sum;
}

// The preset "orthogonal" by its definition: unit rows, pairs of different rows, squared inner products.
static double reference(Matrix rows, const std::vector<std::int64_t> &labels) {
    for (auto &row : rows) {
        const double length = std::sqrt(inner(row, row));
        for (auto &number : row) number /= length;
    }
    std::map<std::int64_t, std::size_t> first;
    double pull = 0, push = 0, pulled = 0, pushed = 0;
    for (std::size_t a = 0; a < rows.size(); a++) {
        first.emplace(labels[a], a);
        for (std::size_t b = 0; b < rows.size(); b++) {
            if (a == b || labels[a] != labels[b]) continue;
            pull += 1 - inner(rows[a], rows[b]);
            pulled++;
        }
    }
    for (auto [label, a] : first) {
        for (auto [other, b] : first) {
            if (label == other) continue;
            push += std::pow(inner(rows[a], rows[b]), 2);
            pushed++;
        }
    }
    return pull / pulled + push / pushed;
}

static bool differs(const char *what, double got, double wanted, double tolerance) {
    if (std::abs(got - wanted) <= tolerance) return false;
    std::printf("%s: got %.12g, wanted %.12g\n", what, got, wanted);
    return true;
}

static int check(std::size_t dim) {
    const std::vector<std::int64_t> labels{7, -2, 7, 5, -2, 7, 5, 11};
    Matrix rows(labels.size(), std::vector<double>(dim));
    std::vector<double> features, gradient(labels.size() * dim);
    int seed = 0;
    for (auto &row : rows) {
        for (auto &number : row) number = 1.5 + (seed++ * 37 % 101 - 50) / 64.0;
        features.insert(features.end(), row.begin(), row.end());
    }

    pullpush_options options{};
    pullpush_options_preset(&options, sizeof options, PULLPUSH_PRESET_ORTHOGONAL);
    pullpush_batch batch{};
    batch.struct_size = sizeof batch;
    batch.features = features.data();
    batch.rows = rows.size();
    batch.dim = dim;
    batch.labels = labels.data();
    batch.dtype = PULLPUSH_DTYPE_F64;
    pullpush_result result{};
    result.struct_size = sizeof result;
    char message[200];
    if (pullpush_evaluate(&batch, &options, &result, gradient.data(), 0, message, sizeof message) != PULLPUSH_OK) {
        std::puts(message);
        return 1;
    }

    int failures = differs("loss", result.loss, reference(rows, labels), 1e-12);
    for (std::size_t a = 0; a < rows.size(); a++) {
        for (std::size_t i = 0; i < dim; i++) {
            const double at = rows[a][i], step = 1e-5;
            rows[a][i] = at + step;
            const double above = reference(rows, labels);
            rows[a][i] = at - step;
            const double below = reference(rows, labels);
            rows[a][i] = at;
            failures += differs("gradient", gradient[a * dim + i], (above - below) / (2 * step), 1e-8);
        }
    }
    return failures;
}

int main() {
    int failures = 0;
    for (std::size_t dim : {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33}) failures += check(dim);
    return failures != 0;
}
