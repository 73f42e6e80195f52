import PullPush

/// The loss by its definition: every pair by itself, in double, and nothing shared with the library.
struct Oracle {
    var loss: PullPushLoss
    var dim: Int
    var labels: [Int]

    func normalised(_ raw: [Double]) -> [[Double]] {
        labels.indices.map { a in
            let row = Array(raw[a * dim..<(a + 1) * dim])
            let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
            switch loss.normalize {
            case .none: return row
            case .l2: return row.map { $0 / max(norm, 1e-12) }
            case .renorm: return row.map { norm > 1e-5 ? $0 / (norm + 1e-7) : $0 * 1e5 }
            }
        }
    }

    private func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

    private func distance(_ a: [Double], _ b: [Double]) -> Double {
        zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }

    func evaluate(_ raw: [Double]) -> (loss: Double, pull: Double, push: Double) {
        let rows = normalised(raw)
        var pull = 0.0
        var positive = 0
        for a in rows.indices {
            let mates = rows.indices.filter { labels[$0] == labels[a] }
            if mates.count < 2 { continue }
            positive += mates.count - 1
            for b in mates {
                if loss.objective == .squaredEuclidean {
                    pull += distance(rows[a], rows[b])
                } else if a != b || loss.selfPairs == .include {
                    pull += 1 - dot(rows[a], rows[b])
                }
            }
        }
        if positive > 0 { pull /= Double(positive) }
        let push = pushValue(rows)
        return (loss.pullWeight * pull + loss.pushWeight * push, pull, push)
    }

    private func pushValue(_ rows: [[Double]]) -> Double {
        var seen: [Int] = []
        for label in labels where !seen.contains(label) { seen.append(label) }
        var points: [(vector: [Double], label: Int)] = []
        switch loss.pushBetween {
        case .representatives:
            points = seen.map { (rows[labels.firstIndex(of: $0)!], $0) }
        case .centroids:
            points = seen.map { label in
                let mates = rows.indices.filter { labels[$0] == label }
                return ((0..<dim).map { j in mates.reduce(0) { $0 + rows[$1][j] } / Double(mates.count) }, label)
            }
        case .all:
            points = rows.indices.map { (rows[$0], labels[$0]) }
        }
        var sum = 0.0
        var pairs = 0
        var active = 0
        for (i, p) in points.enumerated() {
            for (j, q) in points.enumerated() {
                let isOriginal =
                    loss.push == .linear && loss.objective == .innerProduct && loss.selfPairs == .include
                    && loss.pushBetween == .representatives
                if i == j && isOriginal && points.count > 1 { sum += dot(p.vector, p.vector) - 1 }
                if p.label == q.label { continue }
                pairs += 1
                let s = dot(p.vector, q.vector)
                let d = distance(p.vector, q.vector)
                let far = loss.objective == .squaredEuclidean
                switch loss.push {
                case .linear: sum += far ? -d : s
                case .squared(let target): sum += (s - target) * (s - target)
                case .hinge(let margin, _):
                    let value = far ? margin - d : s - margin
                    if value > 0 {
                        sum += value
                        active += 1
                    }
                }
            }
        }
        if case .hinge(_, .meanActive) = loss.push { return active > 0 ? sum / Double(active) : 0 }
        return pairs > 0 ? sum / Double(pairs) : 0
    }

    /// Central differences of the loss.
    func gradient(_ raw: [Double]) -> [Double] {
        raw.indices.map { i in
            let step = 1e-5 * max(1, raw[i].magnitude)
            var shifted = raw
            shifted[i] = raw[i] + step
            let above = evaluate(shifted).loss
            shifted[i] = raw[i] - step
            return (above - evaluate(shifted).loss) / (2 * step)
        }
    }
}

/// The same numbers on every machine and in every run.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

func randomFeatures(_ count: Int, seed: UInt64) -> [Double] {
    var generator = SplitMix64(state: seed)
    return (0..<count).map { _ in Double(Float.random(in: -1...1, using: &generator)) }
}

func relativeError(_ a: [Double], _ b: [Double]) -> Double {
    let difference = zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return (difference / max(b.reduce(0) { $0 + $1 * $1 }, 1e-300)).squareRoot()
}
