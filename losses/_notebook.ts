/**
 * Makes all losses and their formulas show themselves as LaTeX in a notebook.
 */

import { showInNotebooks } from "./_core/notebook.ts";
import { AdaptiveLogSoftmaxWithLoss } from "./adaptive_log_softmax_with_loss.ts";
import { BCELoss } from "./bce.ts";
import { BCEWithLogitsLoss } from "./bce_with_logits.ts";
import { CosineEmbeddingLoss } from "./cosine_embedding.ts";
import { CrossEntropyLoss } from "./cross_entropy.ts";
import { CTCLoss } from "./ctc.ts";
import { GaussianNLLLoss } from "./gaussian_nll.ts";
import { HingeEmbeddingLoss } from "./hinge_embedding.ts";
import { HuberLoss } from "./huber.ts";
import { KLDivLoss } from "./kl_div.ts";
import { L1Loss } from "./l1.ts";
import { LinearCrossEntropyLoss } from "./linear_cross_entropy.ts";
import { MarginRankingLoss } from "./margin_ranking.ts";
import { MSELoss } from "./mse.ts";
import { MultiLabelMarginLoss } from "./multi_label_margin.ts";
import { MultiLabelSoftMarginLoss } from "./multi_label_soft_margin.ts";
import { MultiMarginLoss } from "./multi_margin.ts";
import { NLLLoss } from "./nll.ts";
import { PoissonNLLLoss } from "./poisson_nll.ts";
import { SmoothL1Loss } from "./smooth_l1.ts";
import { SoftMarginLoss } from "./soft_margin.ts";
import { TripletMarginLoss } from "./triplet_margin.ts";
import { TripletMarginWithDistanceLoss } from "./triplet_margin_with_distance.ts";

/** To be called once by mod.ts, as a pure call: a bundler that wants a single loss leaves it out. */
export function showAllInNotebooks(): void {
  showInNotebooks([
    AdaptiveLogSoftmaxWithLoss,
    BCELoss,
    BCEWithLogitsLoss,
    CosineEmbeddingLoss,
    CrossEntropyLoss,
    CTCLoss,
    GaussianNLLLoss,
    HingeEmbeddingLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    LinearCrossEntropyLoss,
    MarginRankingLoss,
    MSELoss,
    MultiLabelMarginLoss,
    MultiLabelSoftMarginLoss,
    MultiMarginLoss,
    NLLLoss,
    PoissonNLLLoss,
    SmoothL1Loss,
    SoftMarginLoss,
    TripletMarginLoss,
    TripletMarginWithDistanceLoss,
  ]);
}
