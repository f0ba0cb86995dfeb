//! The Cholesky factor of a covariance matrix, and what is solved with it.
//!
//! Small and dense: a few hundred rows at most. Sums run in one fixed order, so
//! that the same matrix has the same factor, bit by bit, on every machine.

/// A square matrix, row by row.
#[derive(Debug, Clone)]
pub(super) struct Square {
    size: usize,
    cells: Vec<f64>,
}

impl Square {
    /// All cells 0.
    pub(super) fn zero(size: usize) -> Self {
        Self { size, cells: vec![0.0; size * size] }
    }

    /// One row.
    pub(super) fn row(&self, row: usize) -> &[f64] {
        &self.cells[row * self.size..(row + 1) * self.size]
    }

    /// One row, to be changed.
    pub(super) fn row_mut(&mut self, row: usize) -> &mut [f64] {
        &mut self.cells[row * self.size..(row + 1) * self.size]
    }
}

/// The lower triangle L of A = L Lᵀ.
#[derive(Debug, Clone)]
pub(super) struct Factor {
    size: usize,
    /// Rows of 1, 2, 3 … cells, one after the other.
    cells: Vec<f64>,
}

/// Where a row of a triangle begins.
fn start(row: usize) -> usize {
    row * (row + 1) / 2
}

/// The sum of products.
pub(super) fn dot(one: &[f64], other: &[f64]) -> f64 {
    // Four sums side by side, which the processor adds at once; always the same four.
    let mut sums = [0.0; 4];
    let (ones, others) = (one.chunks_exact(4), other.chunks_exact(4));
    let rest: f64 = ones.remainder().iter().zip(others.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in ones.zip(others) {
        for lane in 0..4 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    (sums[0] + sums[2]) + (sums[1] + sums[3]) + rest
}

impl Factor {
    /// Factors the matrix, of which the lower triangle is looked at; `None` when it is not positive definite.
    pub(super) fn of(matrix: &Square) -> Option<Self> {
        let size = matrix.size;
        let mut cells: Vec<f64> = Vec::with_capacity(start(size));
        for row in 0..size {
            let own = start(row);
            for column in 0..=row {
                let other = start(column);
                let done = dot(&cells[own..own + column], &cells[other..other + column]);
                let left = matrix.row(row)[column] - done;
                if column < row {
                    cells.push(left / cells[other + column]);
                } else if left > 0.0 && left.is_finite() {
                    cells.push(left.sqrt());
                } else {
                    return None;
                }
            }
        }
        Some(Self { size, cells })
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.cells[start(row)..=start(row) + row]
    }

    /// Half of the logarithm of A's determinant.
    pub(super) fn half_log_determinant(&self) -> f64 {
        (0..self.size).map(|row| libm::log(self.row(row)[row])).sum()
    }

    /// L⁻¹ b, in place.
    pub(super) fn forward(&self, vector: &mut [f64]) {
        for row in 0..vector.len() {
            let cells = self.row(row);
            vector[row] = (vector[row] - dot(&cells[..row], &vector[..row])) / cells[row];
        }
    }

    /// A⁻¹ b, in place.
    pub(super) fn solve(&self, vector: &mut [f64]) {
        self.forward(vector);
        for row in (0..vector.len()).rev() {
            let cells = self.row(row);
            vector[row] /= cells[row];
            let solved = vector[row];
            for (left, cell) in vector[..row].iter_mut().zip(cells) {
                *left -= cell * solved;
            }
        }
    }

    /// A⁻¹, both triangles.
    pub(super) fn inverse(&self) -> Square {
        // The rows of L⁻ᵀ: row c holds column c of L⁻¹ from place c on.
        let mut turned = Square::zero(self.size);
        for column in 0..self.size {
            let own = turned.row_mut(column);
            own[column] = 1.0 / self.row(column)[column];
            for row in column + 1..self.size {
                let cells = self.row(row);
                own[row] = -dot(&cells[column..row], &own[column..row]) / cells[row];
            }
        }
        let mut inverse = Square::zero(self.size);
        for row in 0..self.size {
            for column in 0..=row {
                let cell = dot(&turned.row(row)[row..], &turned.row(column)[row..]);
                inverse.row_mut(row)[column] = cell;
                inverse.row_mut(column)[row] = cell;
            }
        }
        inverse
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A matrix that is positive definite.
    fn matrix(size: u32) -> Square {
        let mut matrix = Square::zero(size as usize);
        for row in 0..size {
            for column in 0..size {
                let near = f64::from(row.abs_diff(column)) / f64::from(size);
                matrix.row_mut(row as usize)[column as usize] = libm::exp(-3.0 * near);
            }
            matrix.row_mut(row as usize)[row as usize] += 0.1;
        }
        matrix
    }

    #[test]
    fn what_is_solved_is_a_solution() {
        for size in [1, 2, 5, 23] {
            let matrix = matrix(size);
            let factor = Factor::of(&matrix).expect("positive definite");
            let wanted: Vec<f64> = (0..size).map(|n| f64::from(n * n % 7) - 2.0).collect();
            let mut solution = wanted.clone();
            factor.solve(&mut solution);
            let inverse = factor.inverse();
            for (row, wanted_here) in wanted.iter().enumerate() {
                assert!((dot(matrix.row(row), &solution) - wanted_here).abs() < 1e-10);
                assert!((dot(inverse.row(row), &wanted) - solution[row]).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn a_determinant_is_the_product_of_a_diagonal() {
        let mut diagonal = Square::zero(3);
        for (row, value) in [2.0, 3.0, 4.0].into_iter().enumerate() {
            diagonal.row_mut(row)[row] = value;
        }
        let factor = Factor::of(&diagonal).expect("positive definite");
        assert!((2.0 * factor.half_log_determinant() - libm::log(24.0)).abs() < 1e-14);
    }

    #[test]
    fn what_is_not_positive_definite_has_no_factor() {
        let mut matrix = matrix(4);
        matrix.row_mut(2)[2] = -1.0;
        assert!(Factor::of(&matrix).is_none());
        matrix.row_mut(2)[2] = f64::NAN;
        assert!(Factor::of(&matrix).is_none());
    }
}
