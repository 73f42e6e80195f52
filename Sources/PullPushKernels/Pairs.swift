import KernelInterface

/// See `Kernels.evaluatePairs`.
@inline(__always)
func weighPairs<S: ComputeScalar>(_: S.Type, _ tile: PairTile, _ function: PairFunction) -> PairSums {
    // Of ordered pairs, both orders of a pair count, hence the weights are twice the derivative.
    let (product, square, constant) =
        switch function {
        case .squared(let target, _): (1.0, 0.0, -target)
        case .hinge(let margin): (1, 0, -margin)
        case .distanceHinge(let margin): (2, -1, margin)
        }
    let onProduct = Register<S>(repeating: S(product))
    let onSquares = Register<S>(repeating: S(square))
    let summand = Register<S>(repeating: S(constant))
    @inline(__always)
    func linear(_ s: Register<S>, _ squares: Register<S>) -> Register<S> {
        multiplyAdd(s, onProduct, multiplyAdd(squares, onSquares, summand))
    }
    if case .squared(let target, let onError) = function {
        let onError = Register(repeating: S(onError))
        return tile.replace(S.self, ignored: S(target), perActivePair: 0) { s, squares in
            let error = linear(s, squares)
            return (error * error, error * onError)
        }
    }
    let active = Register<S>(repeating: S(2 * product))
    return tile.replace(S.self, ignored: -S.infinity, perActivePair: S(2 * product)) { s, squares in
        let value = linear(s, squares)
        return (value.wherePositive(value), value.wherePositive(active))
    }
}

extension PairTile {
    /// Replaces every product by its weight.
    ///
    /// - Parameters:
    ///   - ignored: the product that gives value and weight 0, for pairs that are none
    ///   - perActivePair: the weight of an active pair if all have the same; 0 if every pair is active
    ///   - pair: value and weight from the products and the sums of the two squared norms
    @inline(__always)
    fileprivate func replace<S: ComputeScalar>(
        _: S.Type, ignored: S, perActivePair: S,
        _ pair: (Register<S>, Register<S>) -> (value: Register<S>, weight: Register<S>)
    ) -> PairSums {
        let start = products.assumingMemoryBound(to: S.self)
        let squares = UnsafePointer(columnSquares.assumingMemoryBound(to: S.self))
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
            for column in Steps(to: columns, by: S.laneCount) {
                let result = pair(Register(row + column), rowSquare + Register(squares + column))
                value = value + result.value
                weight = weight + result.weight
                result.weight.store(row + column)
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
