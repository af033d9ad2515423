# A target of ready-pool, and the right to send claims for the service that signs tenants up.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "stack" {
  type        = string
  default     = "ready-pool"
  description = "Name of ready-pool's stack."
}

variable "subnets" {
  type        = list(string)
  description = "Subnets of the target: the pool's, or some of them."
}

variable "launch_template" {
  type        = string
  description = "Id of the launch template for instances that the group launches itself."
}

variable "signup_role" {
  type        = string
  description = "Name of the role of the service that sends claims."
}

data "aws_cloudformation_stack" "ready_pool" {
  name = var.stack
}

resource "aws_autoscaling_group" "tenant" {
  name                = "tenant-1337"
  min_size            = 0
  max_size            = 2
  vpc_zone_identifier = var.subnets
  # An attach leaves zones uneven, and rebalancing would terminate an instance for that.
  suspended_processes = ["AZRebalance"]

  launch_template {
    id      = var.launch_template
    version = "$Latest"
  }

  tag {
    key                 = "ready-pool:pool"
    value               = data.aws_cloudformation_stack.ready_pool.outputs["PoolGroupName"]
    propagate_at_launch = false
  }

  lifecycle {
    # A claim raises the desired capacity, and its entry is a tag.
    ignore_changes = [desired_capacity, tag]
  }
}

# It means root on new machines of every target.
resource "aws_iam_role_policy_attachment" "send_claims" {
  role       = var.signup_role
  policy_arn = data.aws_cloudformation_stack.ready_pool.outputs["SendClaimsPolicyArn"]
}

resource "aws_iam_role_policy_attachment" "read_outcomes" {
  role       = var.signup_role
  policy_arn = data.aws_cloudformation_stack.ready_pool.outputs["ReadOutcomesPolicyArn"]
}
