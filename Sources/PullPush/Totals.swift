import KernelInterface

/// The numbers of pairs that pull and push are means over, both of ordered pairs.
struct PairCounts {
    /// `Σ K_c (K_c − 1)`
    var positive: Int
    /// Vectors that are pushed apart.
    var points: Int
    var negative: Int

    init(positive: Int, points: Int, between pushed: PushPoints) {
        self.positive = positive
        self.points = points
        // A point makes no pair with the points of its own identity. Where all rows are pushed those are
        // Σ K_c² = Σ K_c (K_c − 1) + rows, itself included.
        negative = points &* points &- points &- (pushed == .all ? positive : 0)
    }

    init(_ rows: UnsafePointer<Rows>, between pushed: PushPoints) {
        let rows = rows.pointee
        var positive = 0
        if rows.offsets == nil {
            positive = rows.count &* (rows.samplesPerId &- 1)
        } else {
            for c in 0..<rows.identityCount {
                let count = rows.identity(c).count
                positive &+= count &* (count &- 1)
            }
        }
        self.init(positive: positive, points: rows.pointCount(pushed), between: pushed)
    }
}

/// Everything about a whole batch that its loss is made of.
struct Totals {
    var counts: PairCounts
    var sums = IdentitySums()
    /// `‖t‖²`, t the sum of all pushed points.
    var totalSquare = 0.0
    /// What a push that is not linear adds up to over its pairs.
    var pairs = PairSums()

    /// Sum of the inner products of the pairs of the push.
    private var negativeProducts: Double { totalSquare - sums.excluded }

    func result(_ loss: PullPushLoss) -> LossResult {
        func mean(_ sum: Double, _ count: Int) -> Double { count > 0 ? sum / Double(count) : 0 }
        let pull = mean(sums.pull, counts.positive)
        let push: Double
        var active = counts.negative
        switch loss.push {
        case .linear:
            push = mean(linearPushSum(loss), counts.negative)
        case .squared:
            push = mean(pairs.value, counts.negative)
        case .hinge(_, let reduction):
            // A NaN makes active what is no pair: the padding beside its row too.
            active = counts.negative > 0 ? min(pairs.active, counts.negative) : 0
            push = mean(pairs.value, reduction == .mean ? counts.negative : active)
        }
        return LossResult(
            loss: loss.pullWeight * pull + loss.pushWeight * push,
            pull: pull,
            push: push,
            meanPositive: mean(sums.positive, counts.positive),
            meanNegative: mean(negativeProducts, counts.negative),
            positivePairs: counts.positive,
            negativePairs: counts.negative,
            activePairs: active)
    }

    private func linearPushSum(_ loss: PullPushLoss) -> Double {
        let points = Double(counts.points)
        if loss.objective == .squaredEuclidean {
            // Σ ‖p_i − p_j‖² = Σ (‖p_i‖² + ‖p_j‖²) − 2 Σ p_i·p_j
            return 2 * negativeProducts - 2 * (points * sums.pointSquares - sums.weightedPointSquares)
        }
        // The original's convention takes the self pairs for 1, which they are on unit rows.
        let original = loss.selfPairs == .include && loss.pushBetween == .representatives
        return original ? totalSquare - points : negativeProducts
    }
}

extension PullPushLoss {
    /// The closed-form part of the gradient of `upstream · loss`; see `GradientCoefficients` for what multiplies what.
    /// The derivatives are those of the formulas in `docs/mathematics.md`.
    @inline(__always)
    func coefficients(_ counts: PairCounts, upstream: Double) -> GradientCoefficients {
        var c = GradientCoefficients()
        if counts.positive > 0 {
            let weight = upstream * pullWeight / Double(counts.positive)
            switch pullForm {
            case .withSelfPairs:
                c.pullOnSum = -2 * weight
            case .withoutSelfPairs:
                c.pullOnSum = -2 * weight
                c.pullOnRow = 2 * weight
            case .squaredEuclidean:
                c.pullOnSum = -4 * weight
                c.pullOnRowByCount = 4 * weight
            }
        }
        guard push == .linear, counts.negative > 0 else { return c }
        let weight = upstream * pushWeight / Double(counts.negative)
        let points = Double(counts.points)
        let distance = objective == .squaredEuclidean
        let slope = (distance ? 4 : 2) * weight
        switch pushBetween {
        case .representatives:
            c.totalOnFirst = slope
            if distance {
                c.firstOnFirst = -slope * points
            } else if selfPairs == .exclude {
                c.firstOnFirst = -slope
            }
        case .centroids:
            c.totalOnRowByCount = slope
            c.pushOnSumBySquare = distance ? -slope * points : -slope
        case .all:
            c.totalOnRow = slope
            c.pushOnSum = -slope
            if distance {
                c.pushOnRow = -slope * points
                c.pushOnRowByCount = slope
            }
        }
        return c
    }
}
