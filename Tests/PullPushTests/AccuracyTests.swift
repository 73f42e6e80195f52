import PullPush
import Testing

/// One way to call the loss, and the batch it is called on.
struct Case: Sendable, CustomTestStringConvertible {
    var loss: PullPushLoss
    var dim: Int
    var identities: Identities

    var testDescription: String { "\(loss) dim \(dim) \(identities)" }

    static let pushes: [PullPushLoss.Push] = [
        .linear, .squared(target: 0), .squared(target: -0.25), .hinge(margin: 0.1),
        .hinge(margin: 0.3, reduction: .meanActive),
    ]
    static let betweens: [PullPushLoss.PushBetween] = [.representatives, .centroids, .all]
    static let objectives: [PullPushLoss.Objective] = [.innerProduct, .squaredEuclidean]
    static let selfPairs: [PullPushLoss.SelfPairs] = [.include, .exclude]
    static let normalizations: [PullPushLoss.Normalize] = [.none, .l2, .renorm]
    static let layouts: [Identities] = [.samplesPerId(3), .labels([7, -2, 7, 9, -2, 7, 4, 9, 7, -2, 9, 9])]
    /// Around the vectors of all instruction sets; the last two push more points than dim, and fewer.
    static let dims = [1, 3, 8, 17, 33]

    static let all: [Case] = {
        var cases: [Case] = []
        for push in pushes {
            for between in betweens {
                for objective in objectives {
                    if case .squared = push, objective == .squaredEuclidean { continue }
                    for pairs in selfPairs {
                        for normalize in normalizations {
                            let loss = PullPushLoss(
                                normalize: normalize, selfPairs: pairs, push: push, pushBetween: between,
                                objective: objective, pullWeight: 0.7, pushWeight: 1.3)
                            let dim = dims[cases.count % dims.count]
                            cases.append(
                                Case(
                                    loss: loss, dim: dim, identities: layouts[cases.count / dims.count % layouts.count])
                            )
                        }
                    }
                }
            }
        }
        return cases
    }()

    var labels: [Int] {
        switch identities {
        case .samplesPerId(let count): (0..<12).map { $0 / count }
        case .labels(let labels): labels.map(Int.init)
        }
    }

    var oracle: Oracle { Oracle(loss: loss, dim: dim, labels: labels) }
    var features: [Double] { randomFeatures(12 * dim, seed: UInt64(dim)) }
}

@Suite struct AccuracyTests {
    @Test(arguments: Case.all)
    func doubleAgreesWithTheDefinition(_ test: Case) throws {
        let expected = test.oracle.evaluate(test.features)
        let (result, gradient) = try test.loss.valueAndGradient(
            of: test.features, dim: test.dim, identities: test.identities)
        #expect(abs(result.loss - expected.loss) <= 1e-13 * max(1, abs(expected.loss)))
        #expect(abs(result.pull - expected.pull) <= 1e-13 * max(1, abs(expected.pull)))
        #expect(abs(result.push - expected.push) <= 1e-13 * max(1, abs(expected.push)))
        let differences = test.oracle.gradient(test.features)
        // A normalised row of one number does not change with it: the gradient is zero but for rounding.
        let scale = (differences.reduce(1e-6) { $0 + $1 * $1 }).squareRoot()
        for (g, d) in zip(gradient, differences) { #expect(abs(g - d) <= 1e-7 * scale) }
    }

    @Test(arguments: Case.all)
    func floatAgreesWithDouble(_ test: Case) throws {
        let (expected, exact) = try test.loss.valueAndGradient(
            of: test.features, dim: test.dim, identities: test.identities)
        let (result, gradient) = try test.loss.valueAndGradient(
            of: test.features.map(Float.init), dim: test.dim, identities: test.identities)
        #expect(abs(result.loss - expected.loss) <= 1e-6 * abs(expected.loss) + 1e-7 * 12)
        if test.dim > 1 { #expect(relativeError(gradient.map(Double.init), exact) <= 1e-6) }
    }

    @Test(arguments: [1, 2, 7, 16, 31, 65])
    func halfWidthFloatsAreReadExactlyAndWrittenRounded(dim: Int) throws {
        let halves = randomFeatures(8 * dim, seed: 5).map { Float16($0) }
        let brains = halves.map { BFloat16(Float($0)) }
        let loss = PullPushLoss.orthogonal
        let half = try loss.valueAndGradient(of: halves, dim: dim, identities: .samplesPerId(2))
        let same = try loss.valueAndGradient(of: halves.map { Float($0) }, dim: dim, identities: .samplesPerId(2))
        #expect(abs(half.result.loss - same.result.loss) <= 1e-6)
        expectRounded(half.gradient.map { Float($0) }, same.gradient, bits: 11, smallest: 0x1p-24)
        let brain = try loss.valueAndGradient(of: brains, dim: dim, identities: .samplesPerId(2))
        let wide = try loss.valueAndGradient(of: brains.map(\.float), dim: dim, identities: .samplesPerId(2))
        #expect(abs(brain.result.loss - wide.result.loss) <= 1e-6)
        expectRounded(brain.gradient.map(\.float), wide.gradient, bits: 8, smallest: 0x1p-133)
    }

    /// Half a unit in the last place, and what float32 sums in another order may differ by.
    func expectRounded(_ rounded: [Float], _ exact: [Float], bits: Int, smallest: Float) {
        let scale = exact.reduce(0) { max($0, abs($1)) }
        for (r, e) in zip(rounded, exact) {
            #expect(abs(r - e) <= Float(sign: .plus, exponent: -bits, significand: abs(e)) + smallest + 1e-6 * scale)
        }
    }

    /// Identities so tight that 1 − s·s of float32 rows has lost everything.
    @Test func tightIdentities() throws {
        let (p, k, dim) = (6, 4, 64)
        let centres = randomFeatures(p * dim, seed: 1)
        let noise = randomFeatures(p * k * dim, seed: 2)
        let features = (0..<p * k * dim).map { Float(centres[$0 / (k * dim) * dim + $0 % dim] + 1e-3 * noise[$0]) }
        let loss = PullPushLoss(normalize: .l2, selfPairs: .exclude)
        let result = try loss.value(of: features, dim: dim, identities: .samplesPerId(k))
        let oracle = Oracle(loss: loss, dim: dim, labels: (0..<p * k).map { $0 / k })
        let expected = oracle.evaluate(features.map(Double.init)).pull
        #expect(expected < 2e-6)
        #expect(abs(result.pull - expected) <= 1e-4 * expected)
    }

    @Test func threadsDoNotChangeTheBits() throws {
        let (rows, dim) = (4096, 128)
        let features = randomFeatures(rows * dim, seed: 3).map(Float.init)
        for push: PullPushLoss.Push in [.linear, .squared(target: 0), .hinge(margin: 0.05)] {
            var loss = PullPushLoss(normalize: .l2, push: push)
            loss.numThreads = 1
            let one = try loss.valueAndGradient(of: features, dim: dim, identities: .samplesPerId(8))
            for threads in [2, 3, 7] {
                loss.numThreads = threads
                let many = try loss.valueAndGradient(of: features, dim: dim, identities: .samplesPerId(8))
                #expect(many.result == one.result)
                #expect(many.gradient == one.gradient)
            }
        }
    }
}
