import KernelInterface

/// See `Kernels.evaluatePairs`.
@inline(__always)
func weighPairs<S: ComputeScalar>(_: S.Type, _ tile: PairTile, _ function: PairFunction) -> PairSums {
    // Of ordered pairs, both orders of a pair count, hence the weights are twice the derivative.
    switch function {
    case .squared(let target, let onError):
        let goal = Register(repeating: S(target))
        let onError = Register(repeating: S(onError))
        return tile.replace(S.self, ignored: S(target), perActivePair: 0, columnShare: 0) { s, _ in
            let error = s - goal
            return (error * error, error * onError)
        }
    case .hinge(let margin):
        return tile.hinge(S.self, product: 1, square: 0, constant: -margin)
    case .distanceHinge(let margin):
        return tile.hinge(S.self, product: 2, square: -1, constant: margin)
    }
}

extension PairTile {
    /// `max(0, product·s + square·(‖p‖² + ‖q‖²) + constant)`
    @inline(__always)
    fileprivate func hinge<S: ComputeScalar>(_: S.Type, product: Double, square: Double, constant: Double) -> PairSums {
        let onProduct = Register<S>(repeating: S(product))
        let onSquares = Register<S>(repeating: S(square))
        let constant = Register<S>(repeating: S(constant))
        let active = Register<S>(repeating: S(2 * product))
        return replace(
            S.self, ignored: -S.infinity, perActivePair: S(2 * product), columnShare: S(square)
        ) { s, squares in
            let value = multiplyAdd(s, onProduct, multiplyAdd(squares, onSquares, constant))
            return (value.wherePositive(value), value.wherePositive(active))
        }
    }

    /// Replaces every product by its weight.
    ///
    /// - Parameters:
    ///   - ignored: the product that gives value and weight 0, for pairs that are none
    ///   - perActivePair: the weight of an active pair if all have the same; 0 if every pair is active
    ///   - columnShare: what part of a pair's weight the column point itself has in its gradient
    ///   - pair: value and weight from the products and the sums of the two squared norms
    @inline(__always)
    fileprivate func replace<S: ComputeScalar>(
        _: S.Type, ignored: S, perActivePair: S, columnShare: S,
        _ pair: (Register<S>, Register<S>) -> (value: Register<S>, weight: Register<S>)
    ) -> PairSums {
        let share = Register<S>(repeating: columnShare)
        let start = products.assumingMemoryBound(to: S.self)
        let squares = UnsafePointer(columnSquares.assumingMemoryBound(to: S.self))
        let weights = columnWeights.assumingMemoryBound(to: S.self)
        var sums = PairSums()
        var active = 0.0
        for j in 0..<rows {
            let row = start + j &* stride
            if pairsOwn {
                ignore(row, 0..<own[j].lowerBound, ignored)
                ignore(row, own[j].upperBound..<columns, ignored)
            } else {
                ignore(row, own[j], ignored)
            }
            ignore(row, columns..<S.padded(columns), ignored)
            let rowSquare = Register<S>(repeating: rowSquares.assumingMemoryBound(to: S.self)[j])
            var value = Register<S>.zero
            var weight = Register<S>.zero
            for column in Swift.stride(from: 0, to: columns, by: S.laneCount) {
                let result = pair(Register(row + column), rowSquare + Register(squares + column))
                value = value + result.value
                weight = weight + result.weight
                result.weight.store(row + column)
                let before = Register(UnsafePointer(weights + column))
                multiplyAdd(result.weight, share, before).store(weights + column)
            }
            sums.value += value.total
            if perActivePair != 0 { active += weight.total }
        }
        if perActivePair != 0 { sums.active = Int(active / Double(perActivePair)) }
        return sums
    }
}

@inline(never)
private func ignore<S: ComputeScalar>(_ row: UnsafeMutablePointer<S>, _ columns: Range<Int>, _ ignored: S) {
    for column in columns { row[column] = ignored }
}
