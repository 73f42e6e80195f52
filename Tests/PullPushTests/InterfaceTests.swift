import PullPush
import Testing

@Suite struct InterfaceTests {
    let features = randomFeatures(8 * 20, seed: 9)

    @Test func arraysSpansAndPointersGiveTheSame() throws {
        let loss = PullPushLoss(normalize: .l2)
        let (result, gradient) = try loss.valueAndGradient(of: features, dim: 20, identities: .samplesPerId(4))
        #expect(try loss.value(of: features, dim: 20, identities: .samplesPerId(4)) == result)
        #expect(try loss.value(of: features.span, dim: 20, identities: .samplesPerId(4)) == result)

        var written = [Double](repeating: .nan, count: features.count)
        var span = written.mutableSpan
        #expect(
            try loss.valueAndGradient(of: features.span, dim: 20, identities: .samplesPerId(4), into: &span) == result)
        #expect(written == gradient)

        var pointed = [Double](repeating: .nan, count: features.count)
        #expect(
            try loss.evaluate(features: features, rows: 8, dim: 20, identities: .samplesPerId(4), gradient: &pointed)
                == result)
        #expect(pointed == gradient)
    }

    @Test func stridedRowsAreUsedInPlaceAndNothingBetweenThemIsTouched() throws {
        let stride = 23
        var wide = [Double](repeating: .nan, count: 8 * stride)
        for row in 0..<8 {
            wide.replaceSubrange(row * stride..<row * stride + 20, with: features[row * 20..<row * 20 + 20])
        }
        var strided = [Double](repeating: -77, count: 8 * 21)
        let loss = PullPushLoss()
        let result = try loss.evaluate(
            features: wide, rows: 8, dim: 20, rowStride: stride, identities: .samplesPerId(2), gradient: &strided,
            gradientStride: 21)
        let (expected, gradient) = try loss.valueAndGradient(of: features, dim: 20, identities: .samplesPerId(2))
        #expect(result == expected)
        for row in 0..<8 {
            #expect(Array(strided[row * 21..<row * 21 + 20]) == Array(gradient[row * 20..<row * 20 + 20]))
            #expect(strided[row * 21 + 20] == -77)
        }
    }

    @Test(arguments: [1, 5, 8, 20])
    func accumulatingAddsOnce(dim: Int) throws {
        let features = Array(self.features.prefix(8 * dim))
        for normalize: PullPushLoss.Normalize in [.none, .l2] {
            let loss = PullPushLoss(normalize: normalize, selfPairs: .exclude)
            let (_, gradient) = try loss.valueAndGradient(
                of: features, dim: dim, identities: .samplesPerId(2), upstream: 3)
            var sum = [Double](repeating: 10, count: features.count)
            var span = sum.mutableSpan
            _ = try loss.valueAndGradient(
                of: features.span, dim: dim, identities: .samplesPerId(2), upstream: 3, into: &span, accumulate: true)
            for (s, g) in zip(sum, gradient) { #expect(s == 10 + g) }
        }
    }

    @Test func labelsDescribeTheSameBatch() throws {
        let loss = PullPushLoss.orthogonal
        let contiguous = try loss.valueAndGradient(of: features, dim: 20, identities: .samplesPerId(2))
        let labelled = try loss.valueAndGradient(
            of: features, dim: 20, identities: .labels([9, 9, -4, -4, 0, 0, .max, .max]))
        #expect(contiguous.result == labelled.result)
        #expect(contiguous.gradient == labelled.gradient)
    }

    @Test func degenerateBatchesHaveNoPairs() throws {
        let loss = PullPushLoss()
        let single = try loss.valueAndGradient(of: features, dim: 20, identities: .samplesPerId(1))
        #expect(single.result.pull == 0)
        #expect(single.result.positivePairs == 0)
        let one = try loss.valueAndGradient(of: features, dim: 20, identities: .samplesPerId(8))
        #expect(one.result.push == 0)
        #expect(one.result.negativePairs == 0)
        let zeros = try loss.valueAndGradient(
            of: [Float](repeating: 0, count: 24), dim: 3, identities: .samplesPerId(2))
        #expect(zeros.gradient.allSatisfy { $0 == 0 })
        let number = try loss.valueAndGradient(of: [2.5], dim: 1, identities: .samplesPerId(1))
        #expect(number.result.loss == 0 && number.gradient == [0])
    }

    @Test func defaults() {
        let loss = PullPushLoss()
        #expect(loss.normalize == .renorm && loss.selfPairs == .include && loss.push == .linear)
        #expect(loss.pushBetween == .representatives && loss.objective == .innerProduct)
        #expect(loss.pullWeight == 1 && loss.pushWeight == 1 && loss.numThreads == 0 && !loss.checkFinite)
        #expect(PullPushLoss.Push.squared() == .squared(target: 0))
        #expect(PullPushLoss.Push.hinge() == .hinge(margin: 0, reduction: .mean))
    }

    @Test func presets() {
        #expect(PullPushLoss.original == PullPushLoss())
        #expect(
            PullPushLoss.orthogonal == PullPushLoss(normalize: .l2, selfPairs: .exclude, push: .squared(target: 0)))
    }

    @Test(arguments: [1, 2, 3])
    func statisticsOfPartsGiveTheWhole(parts: Int) throws {
        let features = randomFeatures(12 * 20, seed: 4)
        for loss in [PullPushLoss.original, .orthogonal, PullPushLoss(pushBetween: .all, objective: .squaredEuclidean)]
        {
            let whole = try loss.valueAndGradient(of: features, dim: 20, identities: .samplesPerId(2))
            let slices = (0..<parts).map { Array(features[$0 * 240 / parts..<($0 + 1) * 240 / parts]) }
            var total = try BatchStatistics(loss, dim: 20)
            for slice in slices {
                var part = try BatchStatistics(loss, dim: 20)
                try part.accumulate(slice, identities: .samplesPerId(2))
                total += part
            }
            var gradient: [Double] = []
            for slice in slices {
                let (result, part) = try total.finish(slice, identities: .samplesPerId(2))
                #expect(abs(result.loss - whole.result.loss) <= 1e-13)
                #expect(result.negativePairs == whole.result.negativePairs)
                gradient += part
            }
            #expect(relativeError(gradient, whole.gradient) <= 1e-13)
        }
    }
}

@Suite struct ErrorTests {
    let features = [Float](repeating: 0.5, count: 24)

    func message(_ loss: PullPushLoss = .original, dim: Int = 4, _ identities: Identities = .samplesPerId(2)) -> String
    {
        do {
            _ = try loss.value(of: features, dim: dim, identities: identities)
            return "no error"
        } catch {
            return "\(error.code): \(error)"
        }
    }

    @Test func wrongArgumentsAreNamed() {
        #expect(message(dim: 0) == "size: dim is 0: expected at least 1")
        #expect(message(dim: 5) == "size: features.count is 24: expected a multiple of dim, 5")
        #expect(message(.original, .samplesPerId(0)) == "size: samples_per_id is 0: expected at least 1, or labels")
        #expect(message(.original, .samplesPerId(4)) == "size: rows is 6: expected a multiple of samples_per_id, 4")
        #expect(message(.original, .labels([1, 2])) == "size: labels.count is 2: expected one label a row, so 6")
        #expect(message(PullPushLoss(pullWeight: .nan)) == "option: pull_weight is nan: expected a finite number")
        #expect(message(PullPushLoss(push: .hinge(margin: .infinity))).hasPrefix("option: margin is inf"))
        #expect(message(PullPushLoss(push: .squared(target: -.infinity))).hasPrefix("option: target is -inf"))
        #expect(message(PullPushLoss(push: .squared(), objective: .squaredEuclidean)).hasPrefix("option: push squared"))
        #expect(message(PullPushLoss(numThreads: -1)).hasPrefix("option: num_threads is -1"))
        let upstream = error { () throws(PullPushError) in
            _ = try PullPushLoss().valueAndGradient(
                of: features, dim: 4, identities: .samplesPerId(2), upstream: .nan)
        }
        #expect(upstream == "option: upstream is nan: expected a finite number")
    }

    @Test func theFirstBadRowIsNamedAndNothingIsWritten() throws {
        var bad = features
        bad[4 * 4 + 1] = .nan
        var gradient = [Float](repeating: 5, count: 24)
        var span = gradient.mutableSpan
        #expect(throws: PullPushError.self) {
            try PullPushLoss(checkFinite: true).valueAndGradient(
                of: bad.span, dim: 4, identities: .samplesPerId(2), into: &span)
        }
        #expect(gradient == [Float](repeating: 5, count: 24))
        do {
            _ = try PullPushLoss(checkFinite: true).value(of: bad, dim: 4, identities: .samplesPerId(2))
        } catch {
            #expect("\(error)" == "row 4 of features holds a NaN or an infinity: expected finite numbers")
        }
        #expect(try PullPushLoss().value(of: bad, dim: 4, identities: .samplesPerId(2)).loss.isNaN)
    }

    @Test func hingeHasNoStatistics() {
        #expect(throws: PullPushError.self) { try BatchStatistics(PullPushLoss(push: .hinge()), dim: 4) }
    }

    @Test func aGradientOverTheFeaturesIsRefused() {
        var buffer = features
        buffer.withUnsafeMutableBufferPointer { buffer in
            let start = buffer.baseAddress!
            #expect(throws: PullPushError.self) {
                try PullPushLoss().evaluate(
                    features: UnsafePointer(start), rows: 3, dim: 4, identities: .samplesPerId(1), gradient: start + 8)
            }
        }
    }

    func error(_ body: () throws(PullPushError) -> Void) -> String {
        do {
            try body()
            return "no error"
        } catch {
            return "\(error.code): \(error)"
        }
    }

    @Test func buffersOfOtherLengthsAreRefused() {
        let short = error { () throws(PullPushError) in
            var gradient = [Float](repeating: 0, count: 23)
            var span = gradient.mutableSpan
            _ = try PullPushLoss().valueAndGradient(
                of: features.span, dim: 4, identities: .samplesPerId(2), into: &span)
        }
        #expect(short == "size: gradient.count is 23: expected as many elements as features, 24")
        let empty = error { () throws(PullPushError) in
            _ = try PullPushLoss().value(of: [Float](), dim: 4, identities: .samplesPerId(2))
        }
        #expect(empty == "size: rows is 0: expected at least 1")
        let noRows = error { () throws(PullPushError) in
            _ = try PullPushLoss().evaluate(features: features, rows: 0, dim: 4, identities: .labels([]))
        }
        #expect(noRows == "size: rows is 0: expected at least 1")
        let statistics = error { () throws(PullPushError) in
            var statistics = try BatchStatistics(.original, dim: 4)
            statistics.values.append(0)
            try statistics.accumulate(features, identities: .samplesPerId(2))
        }
        #expect(statistics == "statistics: values.count is 10: expected what dim and options need, 9")
        let total = error { () throws(PullPushError) in
            var total = try BatchStatistics(.original, dim: 4)
            total.values.removeLast()
            _ = try total.finish(features, identities: .samplesPerId(2))
        }
        #expect(total == "statistics: values.count is 8: expected what dim and options need, 9")
    }

    /// Says that it is a Float.
    private struct Pretender: FeatureElement {
        var byte: UInt8 = 0
        static var dtype: Int32 { 1 }
        static var zeroElement: Pretender { Pretender() }
    }

    @Test func anElementOfAnotherSizeIsRefused() {
        let pretended = error { () throws(PullPushError) in
            _ = try PullPushLoss().value(of: [Pretender()], dim: 1, identities: .samplesPerId(1))
        }
        #expect(pretended == "dtype: dtype is 1: expected the PULLPUSH_DTYPE_ constant of an element of size 1")
    }

    @Test func theValueOfAnErrorIsTheArgument() throws {
        func value(_ body: () throws(PullPushError) -> Void) -> String {
            do { try body() } catch { return "\(error.value)" }
            return "no error"
        }
        func call(_ loss: PullPushLoss, _ features: [Float]) -> String {
            value { () throws(PullPushError) in _ = try loss.value(of: features, dim: 4, identities: .samplesPerId(2)) }
        }
        #expect(call(PullPushLoss(numThreads: -3), features) == "integer(-3)")
        #expect(call(PullPushLoss(pullWeight: -.infinity), features) == "real(-inf)")
        #expect(call(PullPushLoss(checkFinite: true), features.dropLast() + [.nan]) == "badRow(5)")
        #expect(call(PullPushLoss(push: .squared(), objective: .squaredEuclidean), features) == "unspecified")
        // More scratch than there is address space, or than a number says; nothing is read before it is there.
        for dim in [1 << 56, 1 << 60] {
            let memory = value { () throws(PullPushError) in
                _ = try PullPushLoss().evaluate(features: features, rows: 1, dim: dim, identities: .samplesPerId(1))
            }
            #expect(memory.hasPrefix("bytes("))
        }
    }
}

@Suite struct ElementTests {
    /// The constants are those of the C header.
    @Test func elementsAndTheirZeros() {
        #expect([Float.dtype, Double.dtype, Float16.dtype, BFloat16.dtype] == [1, 2, 3, 4])
        #expect(Float.zeroElement == 0 && Double.zeroElement == 0 && Float16.zeroElement == 0)
        #expect(BFloat16.zeroElement.float == 0 && BFloat16.zeroElement.bitPattern == 0)
    }

    @Test func bfloat16IsTheNearest() {
        #expect(BFloat16(1.0).float == 1)
        #expect(BFloat16(1.00390625).float == 1)  // halfway, to even
        #expect(BFloat16(1.01171875).float == 1.015625)  // halfway, to even
        #expect(BFloat16(1.004).float == 1.0078125)
        #expect(BFloat16(-.infinity).float == -.infinity)
        #expect(BFloat16(.greatestFiniteMagnitude).float == .infinity)
        // Every bit of this one's payload is in the half that is cut off.
        #expect(BFloat16(Float(bitPattern: 0x7F80_0001)).float.isNaN)
    }
}
